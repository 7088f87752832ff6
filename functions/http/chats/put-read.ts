import { chatHandle } from "../../../shared/chat/chat-handle.ts";
import { Marks } from "../../../shared/chat/contract.ts";
import { mark } from "../../../shared/chat/log/signal.ts";
import { noContent } from "../../runtime/reply.ts";
import { appEndpoint } from "../endpoint.ts";
import { ChatParams } from "../parameters.ts";

export const putRead = appEndpoint({
  method: "PUT",
  path: "/v1/apps/{app}/chats/{chat}/read",
  summary: "Marks a chat as read, or as delivered, up to a message.",
  access: "chat:read",
  params: ChatParams,
  body: Marks,
  example: { number: 1 },
  reply: "empty",
  async handle({ deps, app, principal, params, body }) {
    await mark(deps, chatHandle(app, params.chat), principal, body);
    return noContent;
  },
});
