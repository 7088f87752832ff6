import { User } from "../../../shared/identity/contract.ts";
import { readUser } from "../../../shared/identity/profile.ts";
import { endpoint, ok } from "../../runtime/endpoint.ts";

export const getMe = endpoint({
  method: "GET",
  path: "/v1/apps/{app}/me",
  access: "me:read",
  answer: User,
  async handle({ app, principal }) {
    return ok(await readUser(app, principal, principal.id));
  },
});
