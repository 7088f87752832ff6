import { type ChatHandle } from "../chat/chat-handle.ts";
import type { QueuedQuestion } from "../chat/log/append-answer.ts";
import type { App } from "../identity/app.ts";
import type { AppDirectory } from "../identity/app-directory.ts";
import { tryEnqueue } from "../platform/task.ts";
import { type AnswerDeps, answerMessage } from "./answer-message.ts";
import { LEASE_MS } from "./claim-answer.ts";
import { answerTasks } from "./tasks.ts";

/**
 * For how many milliseconds the commit of a question may claim the answer for this instance. Undefined where
 * money has to be held first, since the claim says which day's budget holds the money. Costs nothing while
 * the app is known.
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
 * if only the attempt fails, a task is enqueued without delay. If that task is lost too, the schedule finds
 * the answer by its lease. An instance that is told to end waits for it. Resolves when the answer is no
 * longer made here, and never rejects.
 */
export function answerHere(deps: AnswerDeps, chat: ChatHandle, queued: QueuedQuestion): Promise<void> {
  // The task is enqueued while the answer is made, so that the first word need not wait. It never throws.
  const task = answerTasks[queued.lane];
  const payload = { app: chat.app.id, chat: chat.number, answer: queued.id };
  void tryEnqueue(deps, task, payload, { occasion: "here", notBefore: deps.clock.now() + LEASE_MS });
  const claimed = queued.stored.answer.epoch > 0 ? queued.stored : undefined;
  const answering = answerMessage(deps, chat, queued.id, claimed).then(
    () => undefined,
    async (cause: unknown) => {
      deps.log.error("An answer failed where it was asked for; a task tries again.", cause, {
        app: chat.app.id,
        chat: chat.number,
      });
      await tryEnqueue(deps, task, payload, { occasion: "failed here" });
    },
  );
  return answering.finally(deps.upkeep.onEnding(() => answering));
}
