import { MeChange, User } from "../../../shared/identity/contract.ts";
import { changeMe } from "../../../shared/identity/profile.ts";
import { endpoint, ok } from "../../runtime/endpoint.ts";

export const patchMe = endpoint({
  method: "PATCH",
  path: "/v1/apps/{app}/me",
  access: "me:change",
  body: MeChange,
  answer: User,
  async handle({ app, principal, body }) {
    return ok(await changeMe(app, principal, body));
  },
});
