import { UiRequest } from "../../../shared/ai-sdk/contract.ts";
import { placeMessage } from "../../../shared/ai-sdk/place-message.ts";
import { findById } from "../../../shared/ai-sdk/store.ts";
import { demandUiChat, openUiChat } from "../../../shared/ai-sdk/ui-chat.ts";
import { askAgain } from "../../../shared/assistant/change-answer.ts";
import { demandModel } from "../../../shared/assistant/choose-models.ts";
import { openClassification } from "../../../shared/assistant/classify-question.ts";
import { enqueueAsked } from "../../../shared/assistant/tasks.ts";
import type { ChatHandle } from "../../../shared/chat/chat-handle.ts";
import type { Message } from "../../../shared/chat/contract.ts";
import { appendMessage } from "../../../shared/chat/log/append-message.ts";
import { messageView } from "../../../shared/chat/log/message.ts";
import { textJudgeFor } from "../../../shared/chat/moderation/judge-new.ts";
import { readAccessible, readMessage } from "../../../shared/chat/read/read-messages.ts";
import type { App } from "../../../shared/identity/app.ts";
import type { Principal } from "../../../shared/identity/principal.ts";
import { AppError } from "../../../shared/platform/errors.ts";
import { STREAM_OPERATIONS } from "../../runtime/open-streams.ts";
import { liveEndpoint } from "../endpoint.ts";
import type { LiveDeps } from "../live-deps.ts";
import { uiStreamOf } from "./ui-reply.ts";

/**
 * What the AI SDK's `DefaultChatTransport` posts: a person's message, which is stored and answered in the
 * background, or the wish for another answer. The reply is the answer as it is made; should it break off, the
 * answer goes on. The same message sent again is followed again, and stored once.
 */
export const postAiChat = liveEndpoint({
  method: "POST",
  path: "/v1/apps/{app}/ai/chat",
  summary: "Takes a message from the AI SDK's client and streams its answer.",
  statuses: [200],
  access: "message:write",
  operations: STREAM_OPERATIONS,
  body: UiRequest,
  example: {
    id: "dinner",
    messages: [{ id: "m1", role: "user", parts: [{ type: "text", text: "What shall we eat?" }] }],
  },
  reply: "event-stream",
  async handle({ deps, app, principal, body, spend }) {
    const { chat, answer } =
      body.trigger === "submit-message"
        ? await submit(deps, app, principal, body)
        : await regenerate(deps, app, principal, body);
    return uiStreamOf({ deps, app, principal, spend }, chat, answer);
  },
});

interface UiAnswer {
  readonly chat: ChatHandle;
  readonly answer: Message;
}

async function submit(deps: LiveDeps, app: App, principal: Principal, request: UiRequest): Promise<UiAnswer> {
  if (request.model !== undefined) demandModel(deps, await deps.apps.settingsOf(app), request.model);
  const chat = await openUiChat(deps, app, principal, { id: request.id, model: request.model });
  const { kind } = await readAccessible(deps, chat, principal);
  if (kind !== "assistant") throw new AppError("conflict", "No model answers in this chat.");
  const { text, requestKey, after } = await placeMessage(chat, principal, request);
  const classify = await openClassification(deps, app, principal);
  const { message, queued } = await appendMessage(deps, chat, principal, {
    draft: after === undefined ? { text } : { text, after },
    requestKey,
    judge: await textJudgeFor(deps, app, principal),
    classify,
  });
  if (queued !== undefined) {
    await enqueueAsked(deps, chat, queued);
    return { chat, answer: messageView(queued.id, queued.stored) };
  }
  const number = message.answer?.number;
  if (number === undefined) throw new AppError("message_refused", "This app does not take the message.");
  return { chat, answer: await readMessage(deps, chat, principal, number) };
}

async function regenerate(
  deps: LiveDeps,
  app: App,
  principal: Principal,
  { id, messageId }: UiRequest,
): Promise<UiAnswer> {
  const chat = await demandUiChat(app, principal, id);
  const head = await readAccessible(deps, chat, principal);
  const named = messageId == null ? { number: head.tip } : await findById(chat, [messageId]);
  if (named === undefined) throw new AppError("not_found", "There is no such message.");
  const address = { chat, number: named.number, principal };
  const classify = await openClassification(deps, app, principal);
  const { message, queued } = await askAgain(deps, address, undefined, classify);
  if (queued === undefined) return { chat, answer: message };
  await enqueueAsked(deps, chat, queued);
  return { chat, answer: messageView(queued.id, queued.stored) };
}
