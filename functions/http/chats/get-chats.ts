import { Chat, ChatListQuery, pageOf } from "../../../shared/chat/contract.ts";
import { listChats } from "../../../shared/chat/read/read-chat.ts";
import { LIST_QUERIES_MAX } from "../../../shared/chat/read/list-heads.ts";
import { operationsOfPage } from "../../runtime/operations.ts";
import { ok } from "../../runtime/reply.ts";
import { appEndpoint } from "../endpoint.ts";

/** By tag or member, chats are looked at that turn out not to fit. */
const operationsOfChatList = (query: ChatListQuery): number =>
  operationsOfPage(query) * (query.tag === undefined && query.member === undefined ? 1 : LIST_QUERIES_MAX);

export const getChats = appEndpoint({
  method: "GET",
  path: "/v1/apps/{app}/chats",
  access: "chat:read",
  operations: operationsOfChatList,
  query: ChatListQuery,
  reply: pageOf(Chat),
  async handle({ deps, app, principal, query }) {
    return ok(await listChats(deps, app, principal, query));
  },
});
