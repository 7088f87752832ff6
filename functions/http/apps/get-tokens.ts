import { pageOf } from "../../../shared/chat/contract.ts";
import { ApiToken } from "../../../shared/identity/contract.ts";
import { listApiTokens } from "../../../shared/identity/manage-api-token.ts";
import { ok } from "../../runtime/reply.ts";
import { operationsOfPage } from "../../runtime/operations.ts";
import { appEndpoint } from "../endpoint.ts";
import { PageQuery } from "../parameters.ts";

/** An owner sees all, an admin those they have made. */
export const getTokens = appEndpoint({
  method: "GET",
  path: "/v1/apps/{app}/tokens",
  summary: "Lists API tokens.",
  access: "token:manage",
  operations: operationsOfPage,
  query: PageQuery,
  reply: pageOf(ApiToken),
  async handle({ deps, app, principal, query }) {
    return ok(await listApiTokens(deps, app, principal, query));
  },
});
