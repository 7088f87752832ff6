import { User } from "../../../shared/identity/contract.ts";
import { readUser } from "../../../shared/identity/profile.ts";
import { endpoint, ok } from "../../runtime/endpoint.ts";
import { UserParams } from "../parameters.ts";

export const getUser = endpoint({
  method: "GET",
  path: "/v1/apps/{app}/users/{id}",
  access: "user:read",
  params: UserParams,
  answer: User,
  async handle({ app, principal, params }) {
    return ok(await readUser(app, principal, params.id));
  },
});
