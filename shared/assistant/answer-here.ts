import type { Asked } from "../chat/append-answer.ts";
import type { App } from "../identity/app.ts";
import { type AnswerDeps, answerMessage } from "./answer-message.ts";
import { LEASE_MS } from "./claim-answer.ts";
import { enqueueAnswer } from "./enqueue-answer.ts";

/**
 * Answers in this instance, at once, for a reader who waits here. A task takes over should this instance die; should only
 * the attempt fail, it does so without delay.
 */
export async function answerHere(deps: AnswerDeps, app: App, chat: number, asked: Asked): Promise<void> {
  await enqueueAnswer(deps, app, chat, asked, { after: "here", notBefore: deps.clock.now() + LEASE_MS });
  answerMessage(deps, app, chat, asked.id).catch(async (cause: unknown) => {
    deps.log.error("An answer failed where it was asked for; a task tries again.", cause, {
      app: app.id,
      chat,
    });
    await enqueueAnswer(deps, app, chat, asked, { after: "failed here" });
  });
}
