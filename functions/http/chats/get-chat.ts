import { chatHandle } from "../../../shared/chat/chat-handle.ts";
import { Chat } from "../../../shared/chat/contract.ts";
import { readChat } from "../../../shared/chat/read/read-chat.ts";
import { etagOf, knownRevision } from "../../runtime/conditional.ts";
import { notModified, ok } from "../../runtime/reply.ts";
import { appEndpoint } from "../endpoint.ts";
import { ChatParams } from "../parameters.ts";

export const getChat = appEndpoint({
  method: "GET",
  path: "/v1/apps/{app}/chats/{chat}",
  summary: "Reads a chat.",
  conditional: "read",
  access: "chat:read",
  params: ChatParams,
  reply: Chat,
  async handle({ deps, app, principal, params, headers }) {
    const chat = await readChat(deps, chatHandle(app, params.chat), principal, knownRevision(headers));
    if ("unchanged" in chat) return notModified(etagOf(chat.unchanged));
    return ok(chat, { etag: etagOf(chat.revision) });
  },
});
