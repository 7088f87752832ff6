import { Exchange, Session } from "../../../shared/identity/contract.ts";
import { exchangeSession } from "../../../shared/identity/exchange-session.ts";
import { endpoint } from "../../runtime/endpoint.ts";
import { sessionAnswer } from "./session-answer.ts";

/** Signs in with the ID token of Identity Platform: Google, Microsoft, SAML, OpenID Connect. */
export const postExchange = endpoint({
  method: "POST",
  path: "/v1/apps/{app}/auth/sessions/exchange",
  access: "anyone",
  signIn: true,
  idempotent: true,
  body: Exchange,
  answer: Session,
  async handle({ deps, app, body, requestKey, caller }) {
    const settings = await deps.apps.settingsOf(app);
    const session = await exchangeSession(deps, app, settings, { idToken: body.idToken, requestKey, caller });
    return { status: 201, ...sessionAnswer(deps, app, session, body.transport ?? "body") };
  },
});
