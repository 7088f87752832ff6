import { pageOf } from "../../../shared/chat/contract.ts";
import { listContacts } from "../../../shared/chat/read/list-contacts.ts";
import { User } from "../../../shared/identity/contract.ts";
import { ok } from "../../runtime/reply.ts";
import { operationsOfPage } from "../../runtime/operations.ts";
import { appEndpoint } from "../endpoint.ts";
import { PageQuery } from "../parameters.ts";

export const getUsers = appEndpoint({
  method: "GET",
  path: "/v1/apps/{app}/users",
  access: "user:read",
  operations: operationsOfPage,
  query: PageQuery,
  reply: pageOf(User),
  async handle({ deps, app, principal, query }) {
    const { directory } = await deps.apps.settingsOf(app);
    return ok(await listContacts(deps, app, principal, { ...query, directory }));
  },
});
