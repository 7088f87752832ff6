import { NewSession, Session } from "../../../shared/identity/contract.ts";
import { createSession } from "../../../shared/identity/sign-in.ts";
import { created, endpoint } from "../../runtime/endpoint.ts";

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
    return created(await createSession(deps, app, { ...body, caller, requestKey }));
  },
});
