import { chatHandle } from "../../../shared/chat/chat-handle.ts";
import { Message } from "../../../shared/chat/contract.ts";
import { pinMessage } from "../../../shared/chat/log/pin-message.ts";
import { ok } from "../../runtime/reply.ts";
import { appEndpoint } from "../endpoint.ts";
import { MessageParams } from "../parameters.ts";

const path = "/v1/apps/{app}/chats/{chat}/messages/{message}/pin";

export const putPin = appEndpoint({
  method: "PUT",
  path,
  summary: "Pins a message in its chat.",
  access: "message:write",
  params: MessageParams,
  reply: Message,
  async handle({ deps, app, principal, params }) {
    const address = { chat: chatHandle(app, params.chat), number: params.message, principal };
    return ok(await pinMessage(deps, address, true));
  },
});

export const deletePin = appEndpoint({
  method: "DELETE",
  path,
  summary: "Unpins a message.",
  access: "message:write",
  params: MessageParams,
  reply: Message,
  async handle({ deps, app, principal, params }) {
    const address = { chat: chatHandle(app, params.chat), number: params.message, principal };
    return ok(await pinMessage(deps, address, false));
  },
});
