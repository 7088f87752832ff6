import { type ChatHandle, chatHandle } from "../chat/chat-handle.ts";
import { type ChatHead, isMentionedAfter, standingBetween } from "../chat/log/head.ts";
import { headOf, readHead } from "../chat/store.ts";
import type { App } from "../identity/app.ts";
import type { Deps } from "../platform/deps.ts";
import { completeSettings } from "../identity/settings.ts";
import { storedAppHead } from "../identity/store.ts";
import { Timestamp } from "../platform/firestore-values.ts";
import { enqueue } from "../platform/task.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";
import { enqueueRecount, enqueueRound, enqueueWithdrawal } from "./announce-messages.ts";
import { beginRound, endRound, newestOf, type Round } from "./claim.ts";
import type { NotifyMembers } from "./contract.ts";
import { type DeviceDeps, withLiveDevices } from "./devices.ts";
import { pushToPeople, shieldedFrom } from "./push-to-people.ts";
import { isSilentAlike, staleNotes } from "./note-unread.ts";
import { isQuiet } from "./quiet-hours.ts";
import {
  addNotes,
  forgetChat,
  notificationRef,
  PEOPLE_AT_ONCE,
  type Reading,
  readAll,
  forgetUnread,
  readAttention,
  readReachable,
  tellingRef,
  type UnreadNote,
} from "./store.ts";
import { type Attention, type Missed, missedBy } from "./unread.ts";
import { lookAgainTask } from "./tasks.ts";
import { enqueueMail } from "./unread-mail.ts";

const KEPT_MS = 30 * 24 * 3600 * 1000;

export interface Told {
  /** People who were given a notification by this call. */
  readonly stored: number;
  /** Devices that were pushed to. */
  readonly pushed: number;
  /** People who are online, and are looked at again. */
  readonly waiting: number;
}

const NOTHING: Told = { stored: 0, pushed: 0, waiting: 0 };

/**
 * Tells the members of a chat of the messages that they have not read: everyone who is not online gets a
 * notification, and a push on each device unless they want quiet. Who is online sees messages live; they are
 * looked at again when they would have gone without a word. One round at a time for each chat; see claim.ts
 * for what holds when it is repeated, late, at once or cut short.
 *
 * Costs 2 reads when there is nothing to tell. A round costs 3 reads and 2 writes; for each member 2 reads,
 * and 1 write for each of whom something else is noted than is unread; for each who is offline and has not
 * read 1 write and, unless muted, 2 reads, and 1 for each device; for each PEOPLE_AT_ONCE with pushes 1
 * write.
 * @throws AppError `unavailable` when it is to be tried again
 */
export async function notifyMembers(deps: DeviceDeps, app: App, task: NotifyMembers): Promise<Told> {
  const { chat } = task;
  const [found, telling] = await readAll(deps.firestore, [
    chatHandle(app, chat).ref,
    tellingRef(chatHandle(app, chat)),
  ]);
  const head = found && headOf(found);
  if (head === undefined || telling === undefined) return NOTHING;
  if (head.status !== "open") {
    await forgetChat(deps.firestore, chatHandle(app, chat));
    return NOTHING;
  }
  const round = await beginRound(deps, head, task, telling);
  if (round === undefined) return NOTHING;
  const waiting: Record<string, number> = {};
  const told = { stored: 0, pushed: 0 };
  const stored: string[] = [];
  let shown: number | undefined;
  const people = peopleOf(head, round);
  for (let from = 0; from < people.length; from += PEOPLE_AT_ONCE) {
    const missed = await unreadMembers(deps, app, head, {
      round,
      people: people.slice(from, from + PEOPLE_AT_ONCE),
    });
    for (const { person, since } of missed.online) waiting[person] = since;
    stored.push(...missed.notes.map(({ person }) => person));
    told.stored += await storeNotifications(deps, chatHandle(app, chat), {
      round,
      missed: missed.offline,
      notes: missed.notes,
    });
    const { pushed, shown: newest } = await notifyDevices(deps, app, head, { round, missed: missed.offline });
    told.pushed += pushed;
    shown = newest ?? shown;
  }
  if (Object.keys(waiting).length > 0) await enqueueLookAgain(deps, chatHandle(app, chat), round);
  await endRound(round, waiting, shown);
  await goOn(deps, chatHandle(app, chat), head, { round, shown, stored });
  return { ...told, waiting: Object.keys(waiting).length };
}

/**
 * What was written while a round was under way may have been announced by the task that this round is, so it
 * looks itself; and so for what was deleted after it was pushed and before that was noted. To whoever has
 * left meanwhile nothing is unread there. 1 read, and 1 write for each of those.
 */
async function goOn(
  deps: Deps,
  chat: ChatHandle,
  told: ChatHead,
  {
    round: { claim, at },
    shown,
    stored,
  }: { readonly round: Round; readonly shown: number | undefined; readonly stored: readonly string[] },
): Promise<void> {
  const head = headOf(await readHead(chat));
  if (head === undefined) return;
  await forgetUnread(
    chat,
    stored.filter((person) => !head.members.includes(person)),
  );
  if (shown !== undefined && standingBetween(head, shown - 1, shown) === 0) {
    await enqueueWithdrawal(deps, chat.app, head, shown);
  }
  if (!isSilentAlike(told, head)) await enqueueRecount(deps, chat.app, head);
  if (newestOf(head) <= claim.through) return;
  await enqueueRound(
    deps,
    chat.app,
    { head, lastMs: at.toMillis() },
    { number: newestOf(head), revision: head.revision },
  );
}

/** When no message is new, only those who were online last time are looked at. */
const peopleOf = ({ members }: ChatHead, { isNew, waiting }: Round): readonly string[] =>
  isNew ? members : members.filter((member) => Object.hasOwn(waiting, member));

/**
 * Who of these people has not read what the round tells of, online or not. A read of two documents for each.
 */
async function unreadMembers(
  deps: Deps,
  app: App,
  head: ChatHead,
  { round, people }: { readonly round: Round; readonly people: readonly string[] },
): Promise<Attention & { readonly notes: readonly UnreadNote[] }> {
  const found = await readAttention(deps.firestore, chatHandle(app, head.number), people);
  const attention: Attention = { online: [], offline: [] };
  for (const [person, seen] of found) {
    const since = round.waiting[person] ?? round.number;
    missedBy(attention, { person, seen, since, head, round, nowMs: deps.clock.now() });
  }
  const watching = new Set(attention.online.map(({ person }) => person));
  return { ...attention, notes: staleNotes(head, found, watching) };
}

/** Written again by a repetition, with the same content. */
async function storeNotifications(
  deps: Deps,
  chat: ChatHandle,
  {
    round: { claim },
    missed,
    notes,
  }: {
    readonly round: Round;
    readonly missed: readonly Missed[];
    readonly notes: readonly UnreadNote[];
  },
): Promise<number> {
  if (missed.length === 0 && notes.length === 0) return 0;
  const batch = deps.firestore.batch();
  const expireAt = Timestamp.fromMillis(deps.clock.now() + KEPT_MS);
  // So that the list of their chats knows the sum without reading the chats.
  addNotes(batch, chat, notes);
  for (const { person, from } of missed) {
    batch.set(notificationRef(chat, person, claim.through), {
      user: person,
      chat: chat.number,
      from,
      through: claim.through,
      at: claim.messageAt,
      expireAt,
    });
  }
  await within(READ_MS_MAX, batch.commit());
  return missed.length;
}

/**
 * Whether somebody is to be pushed or mailed what comes in a chat. What mentions them comes through a mute
 * where the app has it so, and through everything but the level `none`.
 */
export function wantsToHear(
  { level, mutedUntilMs }: Reading,
  { isMentioned, nowMs, throughMute }: Hearing,
): boolean {
  const isMuted = mutedUntilMs > nowMs;
  if (isMentioned) return level !== "none" && (!isMuted || throughMute);
  return level === "all" && !isMuted;
}

export interface Hearing {
  readonly isMentioned: boolean;
  readonly nowMs: number;
  /** `settings.notifications.mentions` of the app. */
  readonly throughMute: boolean;
}

/** 1 read. */
export async function hearsThroughMute(app: App): Promise<boolean> {
  const found = storedAppHead(await within(READ_MS_MAX, app.ref.get()));
  return completeSettings(found?.settings ?? {}).notifications.mentions;
}

/** Pushes to those who want to hear of it; who has no device is mailed about direct messages. */
async function notifyDevices(
  deps: DeviceDeps,
  app: App,
  head: ChatHead,
  { round, missed }: { readonly round: Round; readonly missed: readonly Missed[] },
): Promise<{ pushed: number; shown: number | undefined }> {
  const now = deps.clock.now();
  const throughMute = missed.some(({ seen }) => seen.mutedUntilMs > now) && (await hearsThroughMute(app));
  const awake = missed.filter(({ person, seen, from }) =>
    wantsToHear(seen, { isMentioned: isMentionedAfter(head, person, from - 1), nowMs: now, throughMute }),
  );
  const found = await readReachable(
    deps.firestore,
    app,
    awake.map(({ person }) => person),
  );
  for (const [person, { quietHours, timeZone }] of found) {
    if (isQuiet(quietHours, timeZone, now)) found.delete(person);
  }
  const people = await withLiveDevices(deps, app, found);
  for (const { person, seen } of awake) {
    const reachable = people.get(person);
    if (reachable === undefined || Object.keys(reachable.devices).length > 0 || head.kind !== "direct")
      continue;
    const { through, messageAt } = round.claim;
    const mail = { app: app.id, chat: head.number, person, number: through, writtenMs: messageAt.toMillis() };
    await enqueueMail(deps, mail, seen);
  }
  const shielded = shieldedFrom(
    head.latest,
    awake.map(({ person, seen }) => [person, seen] as const),
  );
  return pushToPeople(deps, app, head, { round, people, shielded });
}

async function enqueueLookAgain(deps: Deps, chat: ChatHandle, { claim }: Round): Promise<void> {
  await enqueue(deps, lookAgainTask, {
    app: chat.app.id,
    chat: chat.number,
    number: claim.through,
    again: true,
    withdrawn: false,
    recounts: false,
  });
}
