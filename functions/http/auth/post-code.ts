import { CodeSent, NewCode } from "../../../shared/identity/contract.ts";
import { mayBeMailed } from "../../../shared/identity/admission.ts";
import { invitationOfCode } from "../../../shared/identity/invitation.ts";
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
    const invitation =
      body.invitation === undefined ? undefined : invitationOfCode(deps, app, body.invitation);
    const isRefused = !(await mayBeMailed(deps, app, { email: body.email, invitation }));
    return accepted(await requestCode(deps, app, body.email, { requestKey, invitation, isRefused }));
  },
});
