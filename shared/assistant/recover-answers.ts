import { storedMessage } from "../chat/log/message.ts";
import type { Deps } from "../platform/deps.ts";
import { Timestamp } from "../platform/firestore-values.ts";
import { recoverEach, timesOverdue } from "../platform/recover.ts";
import { tryEnqueue } from "../platform/task.ts";
import { answerTasks } from "./tasks.ts";

/**
 * Enqueues answers that nobody has begun, or whose attempt has died. Costs a read and a task for each, and 1
 * query for each 500. Idempotent: an attempt is enqueued once, and again when its task was given up.
 * @throws when Firestore fails; the next run continues
 */
export async function recoverAnswers(
  deps: Pick<Deps, "firestore" | "tasks" | "log" | "clock">,
): Promise<{ recovered: number; isCut: boolean }> {
  const nowMs = deps.clock.now();
  const overdue = deps.firestore
    .collectionGroup("messages")
    .where("answer.leaseUntil", "<", Timestamp.fromMillis(nowMs))
    .orderBy("answer.leaseUntil");
  return recoverEach(overdue, async (document) => {
    const { answer } = storedMessage(document);
    const chat = document.ref.parent.parent;
    const app = chat?.parent.parent?.id;
    if (answer === undefined || chat === null || app === undefined) return;
    const payload = { app, chat: Number(chat.id), answer: document.id };
    const lease = answer.leaseUntil?.toMillis() ?? 0;
    const times = timesOverdue(nowMs, lease);
    const occasion = [answer.epoch, lease, ...(times === 0 ? [] : [times])].join(".");
    await tryEnqueue(deps, answerTasks[answer.lane], payload, { occasion });
  });
}
