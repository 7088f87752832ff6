import type { StoredMessage } from "../chat/log/message.ts";
import { appHandle } from "../identity/app.ts";
import type { Deps } from "../platform/deps.ts";
import { Timestamp } from "../platform/firestore.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";
import { enqueueAnswer } from "./enqueue-answer.ts";

/** Answers looked at in one run; the next goes on. */
export const RECOVERED_MAX = 500;

/**
 * Enqueues answers that nobody has begun, or whose attempt has died. Costs 1 query and a read and a task for each.
 * Idempotent: an attempt is enqueued once.
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
    const { answer } = document.data() as StoredMessage;
    const chat = document.ref.parent.parent;
    const app = chat?.parent.parent?.id;
    if (answer === undefined || chat === null || app === undefined) continue;
    const asked = { id: document.id, lane: answer.lane };
    const lease = answer.leaseUntil?.toMillis() ?? 0;
    await enqueueAnswer(deps, appHandle(deps.firestore, app), Number(chat.id), asked, {
      after: `${answer.epoch}.${lease}`,
    });
  }
  return { recovered: found.size };
}
