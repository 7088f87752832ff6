import { NewSession, Session } from "../../../shared/identity/contract.ts";
import { createSession } from "../../../shared/identity/sign-in.ts";
import { publicEndpoint } from "../endpoint.ts";
import { sessionReply } from "./session-reply.ts";

export const postSession = publicEndpoint({
  method: "POST",
  path: "/v1/apps/{app}/auth/sessions",
  summary: "Begins a session with a mailed code.",
  signIn: true,
  idempotent: true,
  body: NewSession,
  reply: Session,
  async handle({ deps, app, body, requestKey, caller }) {
    await deps.apps.settingsOf(app);
    const session = await createSession(deps, app, { ...body, caller, requestKey });
    return { status: 201, ...sessionReply(deps, app, session, body.transport ?? "body") };
  },
});
