import { MeChange, User } from "../../../shared/identity/contract.ts";
import { changeMe } from "../../../shared/identity/profile.ts";
import { ok } from "../../runtime/reply.ts";
import { appEndpoint } from "../endpoint.ts";

export const patchMe = appEndpoint({
  method: "PATCH",
  path: "/v1/apps/{app}/me",
  summary: "Changes the caller's profile.",
  access: "me:change",
  body: MeChange,
  example: { name: "Ada", language: "en", timeZone: "Europe/Berlin" },
  reply: User,
  async handle({ deps, app, principal, body }) {
    return ok(await changeMe(deps, app, principal, body));
  },
});
