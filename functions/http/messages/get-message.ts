import { Message } from "../../../shared/chat/contract.ts";
import { readMessage } from "../../../shared/chat/read/read-messages.ts";
import { endpoint, ok } from "../../runtime/endpoint.ts";
import { MessageParams } from "../parameters.ts";

export const getMessage = endpoint({
  method: "GET",
  path: "/v1/apps/{app}/chats/{chat}/messages/{message}",
  access: "message:read",
  params: MessageParams,
  answer: Message,
  async handle({ deps, app, principal, params }) {
    return ok(await readMessage(deps, app, principal, params.chat, params.message));
  },
});
