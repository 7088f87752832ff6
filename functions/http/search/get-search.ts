import { Message } from "../../../shared/chat/contract.ts";
import { SearchQuery, searchPageOf } from "../../../shared/search/contract.ts";
import { searchMessages } from "../../../shared/search/search-messages.ts";
import { endpoint, ok } from "../../runtime/endpoint.ts";

export const getSearch = endpoint({
  method: "GET",
  path: "/v1/apps/{app}/search",
  access: "message:read",
  query: SearchQuery,
  answer: searchPageOf(Message),
  async handle({ deps, app, principal, query }) {
    return ok(await searchMessages(deps, app, principal, query));
  },
});
