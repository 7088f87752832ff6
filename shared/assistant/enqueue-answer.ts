import type { Asked } from "../chat/log/append-answer.ts";
import type { App } from "../identity/app.ts";
import type { Deps } from "../platform/deps.ts";
import type { AnswerTask } from "./contract.ts";

/** Each lane has a queue and a function of its own, so that no answer waits behind those of the other. */
export const laneQueue = (lane: Asked["lane"]): string => `answer-${lane}`;

/**
 * Has a question answered in the background. Asking again for the same attempt is asking once. Never throws: an answer
 * that nobody begins is found by the schedule. Costs 1 task.
 */
export async function enqueueAnswer(
  deps: Pick<Deps, "tasks" | "log">,
  app: App,
  chat: number,
  { id, lane }: Pick<Asked, "id" | "lane">,
  attempt: { readonly after: string; readonly notBefore?: number },
): Promise<void> {
  const payload: AnswerTask = { app: app.id, chat, answer: id };
  const queue = laneQueue(lane);
  try {
    await deps.tasks.enqueue({
      queue,
      function: queue,
      id: ["answer", app.id, String(chat), id, attempt.after],
      payload,
      ...(attempt.notBefore === undefined ? {} : { notBefore: attempt.notBefore }),
    });
  } catch (cause) {
    deps.log.error("An answer could not be enqueued; the schedule will.", cause, { app: app.id, chat });
  }
}
