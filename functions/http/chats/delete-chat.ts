import { chatHandle } from "../../../shared/chat/chat-handle.ts";
import { deleteChat as deleteChatForAll } from "../../../shared/chat/log/change-chat.ts";
import { expectedRevision } from "../../runtime/conditional.ts";
import { noContent } from "../../runtime/reply.ts";
import { appEndpoint } from "../endpoint.ts";
import { ChatParams } from "../parameters.ts";

export const deleteChat = appEndpoint({
  method: "DELETE",
  path: "/v1/apps/{app}/chats/{chat}",
  summary: "Deletes a chat.",
  conditional: "write",
  access: "chat:delete",
  params: ChatParams,
  reply: "empty",
  async handle({ deps, app, principal, params, headers }) {
    await deleteChatForAll(deps, chatHandle(app, params.chat), principal, expectedRevision(headers));
    return noContent;
  },
});
