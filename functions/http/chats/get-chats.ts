import { ChatListQuery, ChatPage } from "../../../shared/chat/contract.ts";
import { listChats } from "../../../shared/chat/read/read-chat.ts";
import { nameMatch } from "../../../shared/search/match-name.ts";
import { HEADS_NAMED_AT_ONCE, LIST_QUERIES_MAX } from "../../../shared/chat/read/list-heads.ts";
import { operationsOfPage } from "../../runtime/operations.ts";
import { ok } from "../../runtime/reply.ts";
import { appEndpoint } from "../endpoint.ts";

/** With all filters but these, chats are looked at that turn out not to fit. */
const PLAIN = new Set(["kind", "from", "to", "cursor", "limit"]);
const operationsOfChatList = (query: ChatListQuery): number =>
  // What a search for names needs beyond one query is spent as it comes.
  query.q !== undefined
    ? HEADS_NAMED_AT_ONCE
    : operationsOfPage(query) * (Object.keys(query).every((name) => PLAIN.has(name)) ? 1 : LIST_QUERIES_MAX);

export const getChats = appEndpoint({
  method: "GET",
  path: "/v1/apps/{app}/chats",
  summary: "Lists the caller's chats, the latest first.",
  access: "chat:read",
  operations: operationsOfChatList,
  query: ChatListQuery,
  reply: ChatPage,
  async handle({ deps, app, principal, query, spend }) {
    const wanted = query.q === undefined ? undefined : nameMatch(query.q);
    return ok(await listChats(deps, app, principal, query, { wanted, spend }));
  },
});
