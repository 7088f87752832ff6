import { storedMessage } from "../chat/log/message.ts";
import type { Deps } from "../platform/deps.ts";
import { Timestamp } from "../platform/firestore-values.ts";
import { tryEnqueue } from "../platform/task.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";
import { answerTasks } from "./tasks.ts";

/** Answers looked at in one run; the next goes on. */
export const RECOVERED_MAX = 500;

/**
 * Enqueues answers that nobody has begun, or whose attempt has died. Costs 1 query and a read and a task for
 * each. Idempotent: an attempt is enqueued once.
 * @throws when Firestore fails; the next run continues
 */
export async function recoverAnswers(
  deps: Pick<Deps, "firestore" | "tasks" | "log" | "clock">,
): Promise<{ recovered: number }> {
  const query = deps.firestore
    .collectionGroup("messages")
    .where("answer.leaseUntil", "<", Timestamp.fromMillis(deps.clock.now()))
    .orderBy("answer.leaseUntil")
    .limit(RECOVERED_MAX);
  const found = await within(READ_MS_MAX, query.get());
  for (const document of found.docs) {
    const { answer } = storedMessage(document);
    const chat = document.ref.parent.parent;
    const app = chat?.parent.parent?.id;
    if (answer === undefined || chat === null || app === undefined) continue;
    const payload = { app, chat: Number(chat.id), answer: document.id };
    const lease = answer.leaseUntil?.toMillis() ?? 0;
    await tryEnqueue(deps, answerTasks[answer.lane], payload, { occasion: `${answer.epoch}.${lease}` });
  }
  return { recovered: found.size };
}
