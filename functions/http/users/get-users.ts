import { z } from "zod";
import { PAGE_LIMIT_DEFAULT, PAGE_LIMIT_MAX, pageOf } from "../../../shared/chat/contract.ts";
import { User } from "../../../shared/identity/contract.ts";
import { listProfiles } from "../../../shared/identity/profile.ts";
import { ok } from "../../runtime/reply.ts";
import { operationsOfPage } from "../../runtime/operations.ts";
import { appEndpoint } from "../endpoint.ts";

export const getUsers = appEndpoint({
  method: "GET",
  path: "/v1/apps/{app}/users",
  access: "user:read",
  operations: operationsOfPage,
  query: z.strictObject({
    cursor: z.string().max(2000).optional(),
    limit: z.coerce.number().int().min(1).max(PAGE_LIMIT_MAX).default(PAGE_LIMIT_DEFAULT),
  }),
  reply: pageOf(User),
  async handle({ deps, app, principal, query }) {
    return ok(await listProfiles(deps, app, principal, query));
  },
});
