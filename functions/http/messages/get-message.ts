import { chatHandle } from "../../../shared/chat/chat-handle.ts";
import { Message } from "../../../shared/chat/contract.ts";
import { readMessage } from "../../../shared/chat/read/read-messages.ts";
import { ok } from "../../runtime/reply.ts";
import { appEndpoint } from "../endpoint.ts";
import { MessageParams } from "../parameters.ts";

export const getMessage = appEndpoint({
  method: "GET",
  path: "/v1/apps/{app}/chats/{chat}/messages/{message}",
  access: "message:read",
  params: MessageParams,
  reply: Message,
  async handle({ deps, app, principal, params }) {
    return ok(await readMessage(deps, chatHandle(app, params.chat), principal, params.message));
  },
});
