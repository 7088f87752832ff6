import { pageOf } from "../../../shared/chat/contract.ts";
import { OpenSession } from "../../../shared/identity/contract.ts";
import { listSessions } from "../../../shared/identity/list-sessions.ts";
import { ok } from "../../runtime/reply.ts";
import { operationsOfPage } from "../../runtime/operations.ts";
import { appEndpoint } from "../endpoint.ts";
import { PageQuery } from "../parameters.ts";

export const getSessions = appEndpoint({
  method: "GET",
  path: "/v1/apps/{app}/me/sessions",
  summary: "Lists the caller's sessions.",
  access: "me:read",
  operations: operationsOfPage,
  query: PageQuery,
  reply: pageOf(OpenSession),
  async handle({ deps, app, principal, query }) {
    return ok(await listSessions(deps, app, principal, query));
  },
});
