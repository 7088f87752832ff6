import { ChatListQuery, ChatPage } from "../../../shared/chat/contract.ts";
import { listChats } from "../../../shared/chat/read/read-chat.ts";
import { LIST_QUERIES_MAX } from "../../../shared/chat/read/list-heads.ts";
import { operationsOfPage } from "../../runtime/operations.ts";
import { ok } from "../../runtime/reply.ts";
import { appEndpoint } from "../endpoint.ts";

/** With all filters but these, chats are looked at that turn out not to fit. */
const PLAIN = new Set(["kind", "from", "to", "cursor", "limit"]);
const operationsOfChatList = (query: ChatListQuery): number =>
  operationsOfPage(query) * (Object.keys(query).every((name) => PLAIN.has(name)) ? 1 : LIST_QUERIES_MAX);

export const getChats = appEndpoint({
  method: "GET",
  path: "/v1/apps/{app}/chats",
  access: "chat:read",
  operations: operationsOfChatList,
  query: ChatListQuery,
  reply: ChatPage,
  async handle({ deps, app, principal, query }) {
    return ok(await listChats(deps, app, principal, query));
  },
});
