import type { z } from "zod";
import { NameQuery, pageOf } from "../../../shared/chat/contract.ts";
import { findContacts } from "../../../shared/chat/read/find-contacts.ts";
import { listContacts } from "../../../shared/chat/read/list-contacts.ts";
import { nameMatch } from "../../../shared/search/match-name.ts";
import { User } from "../../../shared/identity/contract.ts";
import { ok } from "../../runtime/reply.ts";
import { operationsOfPage } from "../../runtime/operations.ts";
import { appEndpoint } from "../endpoint.ts";
import { PageQuery } from "../parameters.ts";

/** Of names; who may see addresses finds them by these too. */
const UserListQuery = PageQuery.extend({ q: NameQuery.optional() });
type UserListQuery = z.infer<typeof UserListQuery>;
const operationsOfUserList = (query: UserListQuery): number =>
  // A search also reads of each of those found whether they have blocked the reader.
  operationsOfPage(query) * (query.q === undefined ? 1 : 2);

export const getUsers = appEndpoint({
  method: "GET",
  path: "/v1/apps/{app}/users",
  summary: "Lists people, or looks for them by name.",
  access: "user:read",
  operations: operationsOfUserList,
  query: UserListQuery,
  reply: pageOf(User),
  async handle({ deps, app, principal, query: { q, ...query }, spend }) {
    const { directory } = await deps.apps.settingsOf(app);
    if (q === undefined) return ok(await listContacts(deps, app, principal, { ...query, directory }));
    const wanted = nameMatch(q);
    return ok(await findContacts(deps, app, principal, { ...query, q, wanted, directory, spend }));
  },
});
