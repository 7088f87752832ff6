import { type Advanced, advanceBlocks, rewritable } from "../blocks/advance-blocks.ts";
import { type ChatHandle, chatHandle } from "../chat-handle.ts";
import type { App } from "../../identity/app.ts";
import { GRPC, grpcCode } from "../../platform/errors.ts";
import type { ChatDeps } from "../log/chat-log.ts";
import type { ChatHead } from "../log/head.ts";
import type { StoredMessage } from "../log/message.ts";
import { placeCrowd } from "./place-crowd.ts";
import { purgeChat } from "./purge-chat.ts";
import type { Row } from "../branches/read-path.ts";
import { refreshQuotes } from "./refresh-quotes.ts";
import { type Companion, listChanged, type Progress, readProgress, writeProgress } from "../store.ts";
import type { Addition, Counted } from "../usage.ts";

/** Changes handled in one commit. */
export const CATCH_UP_MESSAGES = 300;
/** How often a delivery starts over because another was at the same chat. */
const COLLISIONS_MAX = 10;
const COLLISION_MS_MAX = 50;

export interface CaughtUp {
  /** Changes handled by this call; 0 when another delivery had done it. */
  readonly handled: number;
}

/**
 * What other domains do when a chat has changed. Each may be called again for the same change; throwing asks
 * for that.
 */
export interface Followers {
  /** Messages that have changed since a revision, before that is recorded. */
  changed(app: App, head: ChatHead, messages: readonly StoredMessage[], progress: Progress): Promise<void>;
  /** What is written for a changed message in the very commit that records it as handled; pure. */
  companion?(app: App, head: ChatHead, row: Row): Companion;
  /**
   * What is added to documents in the very commit that records the messages as handled, and so once; pure.
   */
  additions?(
    app: App,
    head: ChatHead,
    messages: readonly StoredMessage[],
    progress: Progress,
  ): readonly Addition[];
  /** Notes on the handled head, to be stored with the progress; pure. */
  note?(head: ChatHead): Readonly<Record<string, unknown>>;
  /** When what a deleted chat has left is removed. */
  purged(app: App, head: ChatHead): Promise<void>;
}

/**
 * About what companions may take in one commit; Firestore refuses more than 10 MiB, index entries included,
 * and blocks take up to 4 MiB.
 */
export const COMPANION_BYTES_MAX = 5_500_000;

/** Catches chats up, one run at a time for each chat within an instance. */
export interface CatchUp {
  /** Resolves when everything up to the revision is handled. @throws when Firestore fails; call it again */
  run(app: App, chat: number, revision: number): Promise<CaughtUp>;
}

/**
 * A busy chat has many events at once, of which one run handles all. Deliveries that find a run under way
 * wait for the next one, which they share.
 */
export function openCatchUp(deps: ChatDeps, followers: readonly Followers[]): CatchUp {
  const running = new Map<
    string,
    { current: Promise<unknown>; next: Promise<CaughtUp> | undefined; upTo: number }
  >();

  const begin = (path: string, app: App, chat: number, revision: number): Promise<CaughtUp> => {
    const current = catchUp(deps, followers, chatHandle(app, chat), revision);
    const entry = { current, next: undefined, upTo: revision };
    running.set(path, entry);
    const end = (): void => {
      if (running.get(path) === entry && entry.next === undefined) running.delete(path);
    };
    current.then(end, end);
    return current;
  };

  return {
    run(app, chat, revision) {
      const path = `${app.id}/${chat}`;
      const entry = running.get(path);
      if (entry === undefined) return begin(path, app, chat, revision);
      entry.upTo = Math.max(entry.upTo, revision);
      entry.next ??= entry.current.catch(() => undefined).then(() => begin(path, app, chat, entry.upTo));
      return entry.next;
    },
  };
}

/**
 * Brings the background work on a chat up to its head: counts its new messages into the usage of their day,
 * brings quotes up to date, writes what other domains keep for them, and deletes the messages of a deleted
 * chat. An event is only a hint that there is something to do, so events may be lost, late, repeated and out
 * of order: whichever comes next handles everything since the recorded progress, and each commit is
 * conditional on that progress.
 *
 * Costs 2 reads when there is nothing to do; otherwise 1 query, a read and a write for each changed message
 * and 1 commit more for each CATCH_UP_MESSAGES.
 * @throws when Firestore fails; call it again
 */
async function catchUp(
  deps: ChatDeps,
  followers: readonly Followers[],
  chat: ChatHandle,
  revision: number,
): Promise<CaughtUp> {
  let handled = 0;
  let until = revision;
  for (let collisions = 0; collisions <= COLLISIONS_MAX;) {
    const { head, progress, found: recorded } = await readProgress(chat);
    if (head === undefined || progress.revision >= Math.min(until, head.revision)) return { handled };
    const goal = nextGoal(head, progress.revision);
    if (head.status === "deleted" && goal === head.revision) {
      for (const follower of followers) await follower.purged(chat.app, head);
      await purgeChat(deps.firestore, chat.app, head);
    }
    const found = await listChanged(chat, progress.revision, CATCH_UP_MESSAGES);
    const { rows, companions } = accompany(followers, chat.app, head, rewritable(progress, found));
    const changed = rows.map(({ stored }) => stored);
    if (head.status === "open") await refreshQuotes(deps, chat, changed);
    for (const follower of followers) await follower.changed(chat.app, head, changed, progress);
    await placeCrowd(deps, chat, head);
    const complete = rows.length === found.length && found.length < CATCH_UP_MESSAGES;
    const notes = Object.assign({}, ...followers.map((follower) => follower.note?.(head)));
    const uncounted = changed.filter(({ number }) => number > progress.countedNumber);
    const reached = Math.max(complete ? goal : 0, ...changed.map((message) => message.revision));
    const countedNumber = Math.max(progress.countedNumber, ...uncounted.map(({ number }) => number));
    const advanced =
      head.status === "deleted" ? NO_BLOCKS : await advanceBlocks(chat, progress, { rows, reached });
    try {
      await writeProgress(deps.firestore, chat, {
        found: recorded,
        next: { ...notes, revision: reached, countedNumber },
        byDay: countByDay(changed, progress),
        companions,
        advanced,
        additions: followers.flatMap(
          (follower) => follower.additions?.(chat.app, head, changed, progress) ?? [],
        ),
      });
    } catch (cause) {
      const code = grpcCode(cause);
      if (code !== GRPC.failedPrecondition && code !== GRPC.alreadyExists) throw cause;
      collisions += 1;
      await new Promise((resolve) => setTimeout(resolve, Math.random() * COLLISION_MS_MAX));
      continue;
    }
    handled += changed.length;
    // The first delivery goes on to the head. Later ones are done when their own revision is handled.
    until = head.revision;
    if (complete && goal === head.revision) return { handled };
  }
  throw new Error("Other deliveries kept moving the progress of this chat.");
}

/** The changed messages whose companions fit into one commit, at least one, with these. */
function accompany(
  followers: readonly Followers[],
  app: App,
  head: ChatHead,
  found: readonly Row[],
): { rows: readonly Row[]; companions: Companion[] } {
  const companions: Companion[] = [];
  let bytes = 0;
  for (const [index, row] of found.entries()) {
    // Search entries and notes of a deleted chat are removed by the purge that follows.
    const next =
      head.status === "deleted" ? [] : followers.flatMap((each) => each.companion?.(app, head, row) ?? []);
    bytes += next.reduce((sum, companion) => sum + companion.bytes, 0);
    if (bytes > COMPANION_BYTES_MAX && index > 0) return { rows: found.slice(0, index), companions };
    companions.push(...next);
  }
  return { rows: found, companions };
}

/**
 * The revision to reach next. Deleting a chat is its last revision and is handled by itself, after all
 * before it: a crash between counting the messages and deleting them then loses no count.
 */
const nextGoal = (head: ChatHead, handledRevision: number): number =>
  head.status === "deleted" && handledRevision < head.revision - 1 ? head.revision - 1 : head.revision;

/**
 * What is new since the progress, by day: messages by their number, answers by the revision that ended them.
 */
function countByDay(messages: readonly StoredMessage[], progress: Progress): Map<string, Counted> {
  const days = new Map<string, Counted>();
  const add = (day: string, more: Partial<Counted>): void => {
    const so = days.get(day) ?? NOTHING;
    days.set(day, {
      messages: so.messages + (more.messages ?? 0),
      answers: so.answers + (more.answers ?? 0),
      inputTokens: so.inputTokens + (more.inputTokens ?? 0),
      outputTokens: so.outputTokens + (more.outputTokens ?? 0),
      costMicros: so.costMicros + (more.costMicros ?? 0),
    });
  };
  for (const { createdAt, isCopy, number, answer } of messages) {
    const day = createdAt.toDate().toISOString().slice(0, 10);
    if (!isCopy && number > progress.countedNumber) add(day, { messages: 1 });
    const isEnded = (answer?.endedRevision ?? 0) > progress.revision;
    if (isEnded && answer?.usage !== undefined) add(day, { answers: 1, ...answer.usage });
  }
  return days;
}

/** Those of a deleted chat have been purged. */
const NO_BLOCKS: Advanced = { tail: undefined, blocks: [] };

const NOTHING: Counted = { messages: 0, answers: 0, inputTokens: 0, outputTokens: 0, costMicros: 0 };
