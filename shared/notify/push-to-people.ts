import { chatHandle } from "../chat/chat-handle.ts";
import { lineOf } from "../chat/log/body.ts";
import { type ChatHead, excerpt, type LatestMessage } from "../chat/log/head.ts";
import { silentAfter } from "../chat/log/silent.ts";
import { listNumbered } from "../chat/blocks/read-blocks.ts";
import type { App } from "../identity/app.ts";
import { completeSettings } from "../identity/settings.ts";
import { userRef, storedUser, storedAppHead } from "../identity/store.ts";
import type { Deps } from "../platform/deps.ts";
import { AppError } from "../platform/errors.ts";
import { derivedId } from "../platform/ids.ts";
import type { PushMessage } from "../platform/push.ts";
import { letGo, noteSent, type Round } from "./claim.ts";
import { EXCERPT_CHARS_MAX } from "./contract.ts";
import { removeToken } from "./devices.ts";
import { type Reachable, type Reading, readAll } from "./store.ts";
import { writerOf } from "./unread.ts";

interface Target {
  readonly person: string;
  readonly device: string;
  readonly token: string;
}

/**
 * Pushes the newest message to each device of these people that has not had it in this round; devices that
 * are no more are forgotten. Returns how many had it, and which message it was. 2 reads for what it says, and
 * 1 write.
 * @throws AppError `unavailable` when some could not be reached; those that were are noted
 */
export async function pushToPeople(
  deps: Deps,
  app: App,
  head: ChatHead,
  {
    round,
    people,
    shielded,
  }: {
    readonly round: Round;
    readonly people: ReadonlyMap<string, Reachable>;
    /** As `shieldedFrom` says. */
    readonly shielded: ReadonlySet<string>;
  },
): Promise<{ pushed: number; shown: number | undefined }> {
  const targets = [...people].flatMap(([person, { devices }]) =>
    Object.entries(devices).map(([device, { token }]): Target => ({ person, device, token })),
  );
  const left = targets.filter((target) => !round.claim.sent.includes(keyOf(target)));
  if (left.length === 0) return { pushed: 0, shown: undefined };
  const { shown, messageFor } = await composer(deps, app, head, { through: round.claim.through, shielded });
  const outcomes = await Promise.all(
    left.map(async (target) => ({ target, outcome: await deps.push.send(messageFor(target)) })),
  );
  const gone = outcomes.filter(({ outcome }) => outcome === "gone").map(({ target }) => target);
  for (const { person, device, token } of gone) await removeToken(deps, app, person, { device, token });
  const done = outcomes.filter(({ outcome }) => outcome !== "failed").map(({ target }) => keyOf(target));
  if (done.length < left.length) {
    await letGo(round, done);
    throw new AppError("unavailable", "Some devices could not be pushed to.", { retryAfterSeconds: 1 });
  }
  await noteSent(round, done);
  return { pushed: outcomes.filter(({ outcome }) => outcome === "sent").length, shown };
}

const keyOf = ({ person, device }: Target): string => `${person}.${device}`;

/**
 * What a push about the newest message says; with the app's `notifications.text` switched off, nothing of
 * anyone.
 */
export async function composer(
  deps: Deps,
  app: App,
  head: ChatHead,
  { through, shielded }: { readonly through: number; readonly shielded: ReadonlySet<string> },
): Promise<{ readonly shown: number; readonly messageFor: (target: Target) => PushMessage }> {
  const latest = await newestStanding(app, head, through);
  const senderId = writerOf(latest);
  const refs = [app.ref, ...(senderId === undefined ? [] : [userRef(app, senderId)])];
  const [appFound, senderFound] = await readAll(deps.firestore, refs);
  const appHead = storedAppHead(appFound);
  const appName = appHead?.name ?? "";
  const showsText = completeSettings(appHead?.settings ?? {}).notifications.text;
  const senderName = storedUser(senderFound)?.name ?? appName;
  const title = head.kind === "direct" || head.title === "" ? senderName : `${senderName} · ${head.title}`;
  const text = excerpt(latest?.text ?? "", EXCERPT_CHARS_MAX);
  const messageFor = ({ person, token }: Target): PushMessage => ({
    token,
    title: showsText && !shielded.has(person) ? title : appName,
    body: showsText && !shielded.has(person) && text !== "" ? text : "New message",
    data: {
      app: app.id,
      user: person,
      chat: String(head.number),
      message: String(latest?.number ?? through),
    },
    // A device shows one push of a chat.
    collapseKey: derivedId("push", app.id, String(head.number)),
  });
  return { shown: latest?.number ?? through, messageFor };
}

/** Those of these people who have blocked whoever wrote a message: they are not told what it says. */
export function shieldedFrom(
  message: LatestMessage | null | undefined,
  people: readonly (readonly [person: string, seen: Pick<Reading, "blocked">])[],
): ReadonlySet<string> {
  const writer = writerOf(message);
  const shielded = people.filter(([, { blocked }]) => writer !== undefined && blocked.has(writer));
  return new Set(shielded.map(([person]) => person));
}

/** Messages that are looked at for one that has not been deleted. */
export const STANDING_LOOK_MAX = 20;

/**
 * The newest message up to a number that everybody may read. Nothing more than the head tells when that is
 * the chat's latest; otherwise 1 query and at most STANDING_LOOK_MAX reads.
 */
export async function newestStanding(
  app: App,
  { number: chat, revision, latest, silent }: ChatHead,
  through: number,
): Promise<LatestMessage | undefined> {
  const isLatest = latest !== null && latest.number <= through;
  if (isLatest && silentAfter(silent, latest.number - 1) === silentAfter(silent, latest.number))
    return latest;
  const bounds = { before: through + 1, order: "desc", limit: STANDING_LOOK_MAX } as const;
  for (const { stored } of await listNumbered(chatHandle(app, chat), bounds, revision)) {
    const { number, sender, body, createdAt, status, hidden, event } = stored;
    if (status !== "complete" || hidden === true || event !== undefined) continue;
    return { number, sender, text: lineOf(body), createdAt };
  }
  return undefined;
}
