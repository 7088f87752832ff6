import { Chat, ChatListQuery, pageOf } from "../../../shared/chat/contract.ts";
import { listChats } from "../../../shared/chat/read/read-chat.ts";
import { endpoint, ok } from "../../runtime/endpoint.ts";

export const getChats = endpoint({
  method: "GET",
  path: "/v1/apps/{app}/chats",
  access: "chat:read",
  query: ChatListQuery,
  answer: pageOf(Chat),
  async handle({ deps, app, principal, query }) {
    return ok(await listChats(deps, app, principal, query));
  },
});
