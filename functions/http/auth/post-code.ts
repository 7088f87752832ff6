import { CodeSent, NewCode } from "../../../shared/identity/contract.ts";
import { mayBeMailed } from "../../../shared/identity/admission.ts";
import { invitationOfCode } from "../../../shared/identity/invitation.ts";
import { codeAskerOf, requestCode } from "../../../shared/identity/sign-in-code.ts";
import { accepted } from "../../runtime/reply.ts";
import { publicEndpoint } from "../endpoint.ts";
import { demandQuota } from "../../runtime/quota.ts";

export const postCode = publicEndpoint({
  method: "POST",
  path: "/v1/apps/{app}/auth/codes",
  summary: "Mails a sign-in code.",
  statuses: [202],
  signIn: true,
  idempotent: true,
  body: NewCode,
  example: { email: "ada@example.com" },
  reply: CodeSent,
  async handle({ deps, app, body, requestKey, caller }) {
    const asker = codeAskerOf(deps, app, { ...body, caller });
    const { limits } = await deps.apps.settingsOf(app);
    demandQuota(await deps.quotas.takeForAddress(app, asker));
    const mailsMax = limits.codesPerDay;
    const invitation =
      body.invitation === undefined ? undefined : invitationOfCode(deps, app, body.invitation);
    const isRefused = !(await mayBeMailed(deps, app, { ...asker, invitation }));
    const { sent, replayed } = await requestCode(deps, app, asker, {
      requestKey,
      mailsMax,
      invitation,
      isRefused,
    });
    return accepted(sent, replayed);
  },
});
