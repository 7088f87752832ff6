import { type ChatHandle } from "../chat/chat-handle.ts";
import type { QueuedQuestion } from "../chat/log/append-answer.ts";
import type { App } from "../identity/app.ts";
import type { AppDirectory } from "../identity/app-directory.ts";
import { tryEnqueue } from "../platform/task.ts";
import { type AnswerDeps, answerMessage } from "./answer-message.ts";
import { LEASE_MS } from "./claim-answer.ts";
import { answerTasks } from "./tasks.ts";

/**
 * For how long the commit of a question may claim its answer for the instance that answers it here. Undefined
 * where a budget has to be held first, which the claim tells of. Costs nothing while the app is known.
 */
export async function claimMsHere(
  { apps }: { readonly apps: AppDirectory },
  app: App,
): Promise<number | undefined> {
  const { appPerDay, personPerDay } = (await apps.settingsOf(app)).assistant.budgets;
  return appPerDay === null && personPerDay === null ? LEASE_MS : undefined;
}

/**
 * Answers in this instance, at once, for a reader who waits here. A task takes over should this instance die;
 * should only the attempt fail, it does so without delay. Were the task lost too, the schedule finds the
 * answer by its lease.
 */
export function answerHere(deps: AnswerDeps, chat: ChatHandle, queued: QueuedQuestion): void {
  // Beside the answer and not before it: the first word does not wait for it. It never throws.
  const task = answerTasks[queued.lane];
  const payload = { app: chat.app.id, chat: chat.number, answer: queued.id };
  void tryEnqueue(deps, task, payload, { occasion: "here", notBefore: deps.clock.now() + LEASE_MS });
  const claimed = queued.stored.answer.epoch > 0 ? queued.stored : undefined;
  answerMessage(deps, chat, queued.id, claimed).catch(async (cause: unknown) => {
    deps.log.error("An answer failed where it was asked for; a task tries again.", cause, {
      app: chat.app.id,
      chat: chat.number,
    });
    await tryEnqueue(deps, task, payload, { occasion: "failed here" });
  });
}
