import type { App } from "../identity/app.ts";
import type { Deps } from "../platform/deps.ts";
import { GRPC, grpcCode } from "../platform/errors.ts";
import type { ChatHead } from "./head.ts";
import type { StoredMessage } from "./message.ts";
import { deleteMessages, listChanged, readProgress, writeProgress } from "./store.ts";

/** Changes handled in one commit. */
export const CATCH_UP_MESSAGES = 300;
/** How often a delivery starts over because another was at the same chat. */
const COLLISIONS_MAX = 10;

/**
 * Brings the background work on a chat up to its head: counts its new messages into the usage of
 * their day, and deletes the messages of a deleted chat. An event is only a hint that there is
 * something to do, so events may be lost, late, repeated and out of order: whichever comes next
 * handles everything since the recorded progress, and each commit is conditional on that progress.
 *
 * Costs 2 reads when there is nothing to do; otherwise 1 query, a read for each changed message and
 * 1 commit more for each CATCH_UP_MESSAGES.
 * @throws when Firestore fails; call it again
 */
export async function catchUp(deps: Deps, app: App, chat: number): Promise<{ handled: number }> {
  let handled = 0;
  for (let collisions = 0; collisions <= COLLISIONS_MAX; ) {
    const { head, progress, found } = await readProgress(deps.firestore, app, chat);
    if (head === undefined || progress.revision >= head.revision) return { handled };
    const goal = nextGoal(head, progress.revision);
    if (head.status === "deleted" && goal === head.revision) await purge(deps, app, chat);
    const changed = await listChanged(app, chat, progress.revision, CATCH_UP_MESSAGES);
    const complete = changed.length < CATCH_UP_MESSAGES;
    const uncounted = changed.filter(({ number }) => number > progress.countedNumber);
    const revision = Math.max(complete ? goal : 0, ...changed.map((message) => message.revision));
    const countedNumber = Math.max(progress.countedNumber, ...uncounted.map(({ number }) => number));
    try {
      await writeProgress(
        deps.firestore,
        app,
        chat,
        found,
        { revision, countedNumber },
        countByDay(uncounted),
      );
    } catch (cause) {
      const code = grpcCode(cause);
      if (code !== GRPC.failedPrecondition && code !== GRPC.alreadyExists) throw cause;
      collisions += 1;
      continue;
    }
    handled += changed.length;
    if (complete && goal === head.revision) return { handled };
  }
  throw new Error("Other deliveries kept moving the progress of this chat.");
}

/**
 * The revision to reach next. Deleting a chat is its last revision and is handled by itself, after all
 * before it: a crash between counting the messages and deleting them then loses no count.
 */
const nextGoal = (head: ChatHead, handledRevision: number): number =>
  head.status === "deleted" && handledRevision < head.revision - 1 ? head.revision - 1 : head.revision;

function countByDay(messages: readonly StoredMessage[]): Map<string, number> {
  const days = new Map<string, number>();
  for (const { createdAt } of messages) {
    const day = createdAt.toDate().toISOString().slice(0, 10);
    days.set(day, (days.get(day) ?? 0) + 1);
  }
  return days;
}

async function purge(deps: Deps, app: App, chat: number): Promise<void> {
  while ((await deleteMessages(deps.firestore, app, chat, CATCH_UP_MESSAGES)) > 0);
}
