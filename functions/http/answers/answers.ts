import { chatHandle } from "../../../shared/chat/chat-handle.ts";
import { askAgain, rateAnswer, recallAsking, stopAnswer } from "../../../shared/assistant/change-answer.ts";
import { openClassification } from "../../../shared/assistant/classify-question.ts";
import { Feedback } from "../../../shared/assistant/contract.ts";
import { enqueueAsked } from "../../../shared/assistant/tasks.ts";
import { Message } from "../../../shared/chat/contract.ts";
import { accepted, noContent } from "../../runtime/reply.ts";
import { appEndpoint } from "../endpoint.ts";
import { MessageParams } from "../parameters.ts";

const path = "/v1/apps/{app}/chats/{chat}/messages/{message}";

/** Another answer to the same question. */
export const postAnswer = appEndpoint({
  method: "POST",
  path: `${path}/answer`,
  summary: "Has a question answered again, on a branch of its own.",
  statuses: [202],
  access: "message:write",
  idempotent: true,
  params: MessageParams,
  reply: Message,
  async replay({ app, principal, params, requestKey }) {
    const address = { chat: chatHandle(app, params.chat), number: params.message, principal };
    const message = await recallAsking(address, requestKey);
    return message && accepted(message, true);
  },
  async handle({ deps, app, principal, params, requestKey }) {
    const address = { chat: chatHandle(app, params.chat), number: params.message, principal };
    const { message, queued, replayed } = await askAgain(
      deps,
      address,
      requestKey,
      await openClassification(deps, app, principal),
    );
    if (queued !== undefined) await enqueueAsked(deps, address.chat, queued);
    return accepted(message, replayed);
  },
});

export const deleteAnswer = appEndpoint({
  method: "DELETE",
  path: `${path}/answer`,
  summary: "Stops an answer.",
  access: "message:write",
  params: MessageParams,
  reply: "empty",
  async handle({ deps, app, principal, params }) {
    await stopAnswer(deps, { chat: chatHandle(app, params.chat), number: params.message, principal });
    return noContent;
  },
});

export const putFeedback = appEndpoint({
  method: "PUT",
  path: `${path}/feedback`,
  summary: "Says whether an answer helped.",
  access: "message:write",
  params: MessageParams,
  body: Feedback,
  reply: "empty",
  async handle({ deps, app, principal, params, body }) {
    await rateAnswer(deps, { chat: chatHandle(app, params.chat), number: params.message, principal }, body);
    return noContent;
  },
});
