import { Chat, ChatListQuery, pageOf } from "../../../shared/chat/contract.ts";
import { listChats } from "../../../shared/chat/read/read-chat.ts";
import { ok } from "../../runtime/reply.ts";
import { appEndpoint } from "../endpoint.ts";

export const getChats = appEndpoint({
  method: "GET",
  path: "/v1/apps/{app}/chats",
  access: "chat:read",
  query: ChatListQuery,
  reply: pageOf(Chat),
  async handle({ deps, app, principal, query }) {
    return ok(await listChats(deps, app, principal, query));
  },
});
