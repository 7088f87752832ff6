import { User } from "../../../shared/identity/contract.ts";
import { readUser } from "../../../shared/identity/profile.ts";
import { ok } from "../../runtime/reply.ts";
import { appEndpoint } from "../endpoint.ts";

export const getMe = appEndpoint({
  method: "GET",
  path: "/v1/apps/{app}/me",
  summary: "Reads the caller's profile.",
  access: "me:read",
  reply: User,
  async handle({ app, principal }) {
    return ok(await readUser(app, principal, principal.id));
  },
});
