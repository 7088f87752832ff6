import { CodeSent, NewCode } from "../../../shared/identity/contract.ts";
import { requestCode } from "../../../shared/identity/sign-in-code.ts";
import { accepted, endpoint } from "../../runtime/endpoint.ts";
import { demandQuota } from "../../runtime/quota.ts";

export const postCode = endpoint({
  method: "POST",
  path: "/v1/apps/{app}/auth/codes",
  access: "anyone",
  signIn: true,
  idempotent: true,
  body: NewCode,
  answer: CodeSent,
  async handle({ deps, app, body, requestKey }) {
    demandQuota(await deps.quotas.takeForAddress(app, body.email));
    return accepted(await requestCode(deps, app, body.email, requestKey));
  },
});
