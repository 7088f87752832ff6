import { Message } from "../../../shared/chat/contract.ts";
import { SearchQuery, searchPageOf } from "../../../shared/search/contract.ts";
import { READS_MAX, searchMessages } from "../../../shared/search/search-messages.ts";
import { ok } from "../../runtime/reply.ts";
import { appEndpoint } from "../endpoint.ts";

export const getSearch = appEndpoint({
  method: "GET",
  path: "/v1/apps/{app}/search",
  summary: "Searches messages.",
  access: "message:read",
  operations: READS_MAX,
  query: SearchQuery,
  reply: searchPageOf(Message),
  async handle({ deps, app, principal, query }) {
    return ok(await searchMessages(deps, app, principal, query));
  },
});
