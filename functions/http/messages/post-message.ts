import { appendMessage } from "../../../shared/chat/append-message.ts";
import { Message, NewMessage } from "../../../shared/chat/contract.ts";
import { created, endpoint } from "../../runtime/endpoint.ts";
import { ChatParams } from "../parameters.ts";

export const postMessage = endpoint({
  method: "POST",
  path: "/v1/apps/{app}/chats/{chat}/messages",
  access: "message:write",
  idempotent: true,
  params: ChatParams,
  body: NewMessage,
  answer: Message,
  async handle({ deps, app, principal, params, body, requestKey }) {
    const { message, replayed } = await appendMessage(deps, app, params.chat, principal, body, requestKey);
    return created(message, replayed);
  },
});
