import { demandUiChat } from "../../../shared/ai-sdk/ui-chat.ts";
import { readAccessible, readMessage } from "../../../shared/chat/read/read-messages.ts";
import { noContent } from "../../runtime/reply.ts";
import { STREAM_OPERATIONS } from "../../runtime/open-streams.ts";
import { liveEndpoint } from "../endpoint.ts";
import { UiChatParams } from "./ui-chat-params.ts";
import { uiStreamOf } from "./ui-reply.ts";

/** The answer that is being made in a chat, from its start; nothing while none is (`resumeStream`). */
export const getAiStream = liveEndpoint({
  method: "GET",
  path: "/v1/apps/{app}/ai/chat/{id}/stream",
  summary: "Streams the answer that is being made to the AI SDK's client, from its start.",
  statuses: [200, 204],
  access: "message:read",
  params: UiChatParams,
  operations: STREAM_OPERATIONS,
  reply: "event-stream",
  async handle({ deps, app, principal, params, spend }) {
    const chat = await demandUiChat(app, principal, params.id);
    const { tip } = await readAccessible(deps, chat, principal);
    const answer = tip === 0 ? undefined : await readMessage(deps, chat, principal, tip);
    const isMade = answer?.status === "queued" || answer?.status === "streaming";
    return isMade ? uiStreamOf({ deps, app, principal, spend }, chat, answer) : noContent;
  },
});
