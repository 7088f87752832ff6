import { CodeSent, NewCode } from "../../../shared/identity/contract.ts";
import { codeAskerOf, requestCode } from "../../../shared/identity/sign-in-code.ts";
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
  async handle({ deps, app, body, requestKey, caller }) {
    const asker = codeAskerOf(deps, app, { ...body, caller });
    const { limits } = await deps.apps.settingsOf(app);
    demandQuota(await deps.quotas.takeForAddress(app, asker));
    const mailsMax = limits.codesPerDay;
    const { sent, replayed } = await requestCode(deps, app, asker, { requestKey, mailsMax });
    return accepted(sent, replayed);
  },
});
