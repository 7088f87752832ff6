import { NewSession, Session } from "../../../shared/identity/contract.ts";
import { createSession } from "../../../shared/identity/sign-in.ts";
import { endpoint } from "../../runtime/endpoint.ts";
import { sessionAnswer } from "./session-answer.ts";

export const postSession = endpoint({
  method: "POST",
  path: "/v1/apps/{app}/auth/sessions",
  access: "anyone",
  signIn: true,
  idempotent: true,
  body: NewSession,
  answer: Session,
  async handle({ deps, app, body, requestKey, caller }) {
    await deps.apps.settingsOf(app);
    const session = await createSession(deps, app, { ...body, caller, requestKey });
    const answer = sessionAnswer(deps, app, session, body.transport ?? "body");
    return { status: 201, ...answer };
  },
});
