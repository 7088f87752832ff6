import { Exchange, Session } from "../../../shared/identity/contract.ts";
import { exchangeSession } from "../../../shared/identity/exchange-session.ts";
import { invitationOfCode } from "../../../shared/identity/invitation.ts";
import { publicEndpoint } from "../endpoint.ts";
import { sessionReply } from "./session-reply.ts";

/** Signs in with the ID token of Identity Platform: Google, Microsoft, SAML, OpenID Connect. */
export const postExchange = publicEndpoint({
  method: "POST",
  path: "/v1/apps/{app}/auth/sessions/exchange",
  summary: "Begins a session with an identity provider's token.",
  signIn: true,
  idempotent: true,
  body: Exchange,
  reply: Session,
  async handle({ deps, app, body, requestKey, caller }) {
    const settings = await deps.apps.settingsOf(app);
    const session = await exchangeSession(deps, app, settings, {
      idToken: body.idToken,
      invitation: body.invitation === undefined ? undefined : invitationOfCode(deps, app, body.invitation),
      requestKey,
      caller,
    });
    return { status: 201, ...sessionReply(deps, app, session, body.transport ?? "body") };
  },
});
