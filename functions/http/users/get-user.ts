import { User } from "../../../shared/identity/contract.ts";
import { readUser } from "../../../shared/identity/profile.ts";
import { ok } from "../../runtime/reply.ts";
import { appEndpoint } from "../endpoint.ts";
import { UserParams } from "../parameters.ts";

export const getUser = appEndpoint({
  method: "GET",
  path: "/v1/apps/{app}/users/{id}",
  access: "user:read",
  params: UserParams,
  reply: User,
  async handle({ app, principal, params }) {
    return ok(await readUser(app, principal, params.id));
  },
});
