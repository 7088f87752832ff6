import { UiMessages } from "../../../shared/ai-sdk/contract.ts";
import { demandUiChat, findUiChat } from "../../../shared/ai-sdk/ui-chat.ts";
import { uiMessageOf } from "../../../shared/ai-sdk/ui-message.ts";
import { stopAnswer } from "../../../shared/assistant/change-answer.ts";
import { MessagePageQuery, PAGE_LIMIT_MAX } from "../../../shared/chat/contract.ts";
import {
  pageView,
  readAccessible,
  readMessage,
  readMessages,
} from "../../../shared/chat/read/read-messages.ts";
import { noContent, ok } from "../../runtime/reply.ts";
import { appEndpoint } from "../endpoint.ts";
import { UiChatParams } from "./ui-chat-params.ts";

const path = "/v1/apps/{app}/ai/chat/{id}";

/** What `useChat` begins with. */
export const getAiMessages = appEndpoint({
  method: "GET",
  path: `${path}/messages`,
  summary: "Reads the newest messages of a chat as the AI SDK's client shows them.",
  access: "message:read",
  params: UiChatParams,
  reply: UiMessages,
  async handle({ deps, app, principal, params }) {
    const chat = await findUiChat(app, principal, params.id);
    if (chat === undefined) return ok({ chat: null, messages: [], hasMore: false });
    const query = MessagePageQuery.parse({ limit: PAGE_LIMIT_MAX });
    const found = await readMessages(deps, chat, principal, { query, isKnown: undefined });
    if ("unchanged" in found) return ok({ chat: chat.number, messages: [], hasMore: false });
    const page = pageView(found);
    const shown = page.data.filter(({ status }) => status !== "deleted").toReversed();
    return ok({ chat: chat.number, messages: shown.map(uiMessageOf), hasMore: page.hasMore });
  },
});

/** Ends the answer that is being made, in whichever instance; nothing while none is. */
export const postAiStop = appEndpoint({
  method: "POST",
  path: `${path}/stop`,
  summary: "Stops the answer that is being made, for the AI SDK's client.",
  access: "message:write",
  params: UiChatParams,
  reply: "empty",
  async handle({ deps, app, principal, params }) {
    const chat = await demandUiChat(app, principal, params.id);
    const { tip } = await readAccessible(deps, chat, principal);
    const last = tip === 0 ? undefined : await readMessage(deps, chat, principal, tip);
    if (last?.role === "assistant") await stopAnswer(deps, { chat, number: tip, principal });
    return noContent;
  },
});
