import { CodeSent, NewCode } from "../../../shared/identity/contract.ts";
import { requestCode } from "../../../shared/identity/sign-in-code.ts";
import { accepted, endpoint } from "../../runtime/endpoint.ts";

export const postCode = endpoint({
  method: "POST",
  path: "/v1/apps/{app}/auth/codes",
  access: "anyone",
  idempotent: true,
  body: NewCode,
  answer: CodeSent,
  async handle({ deps, app, body, requestKey }) {
    await deps.apps.settingsOf(app);
    return accepted(await requestCode(deps, app, body.email, requestKey));
  },
});
