import { chatHandle } from "../../../shared/chat/chat-handle.ts";
import { deleteMessage as deleteMessageForAll } from "../../../shared/chat/log/delete-message.ts";
import { expectedRevision } from "../../runtime/conditional.ts";
import { noContent } from "../../runtime/reply.ts";
import { appEndpoint } from "../endpoint.ts";
import { MessageParams } from "../parameters.ts";

export const deleteMessage = appEndpoint({
  method: "DELETE",
  path: "/v1/apps/{app}/chats/{chat}/messages/{message}",
  summary: "Deletes a message.",
  conditional: "write",
  access: "message:write",
  params: MessageParams,
  reply: "empty",
  async handle({ deps, app, principal, params, headers, spend }) {
    const address = { chat: chatHandle(app, params.chat), number: params.message, principal };
    await deleteMessageForAll(deps, address, { expected: expectedRevision(headers), spend });
    return noContent;
  },
});
