import { CodeSent, NewCode } from "../../../shared/identity/contract.ts";
import { requestCode } from "../../../shared/identity/sign-in-code.ts";
import { accepted } from "../../runtime/reply.ts";
import { publicEndpoint } from "../endpoint.ts";
import { demandQuota } from "../../runtime/quota.ts";

export const postCode = publicEndpoint({
  method: "POST",
  path: "/v1/apps/{app}/auth/codes",
  signIn: true,
  idempotent: true,
  body: NewCode,
  reply: CodeSent,
  async handle({ deps, app, body, requestKey }) {
    demandQuota(await deps.quotas.takeForAddress(app, body.email));
    return accepted(await requestCode(deps, app, body.email, requestKey));
  },
});
