import { NewSession, Session } from "../../../shared/identity/contract.ts";
import { createSession } from "../../../shared/identity/session.ts";
import { created, endpoint } from "../../runtime/endpoint.ts";

const USER_AGENT_CHARS_MAX = 300;

export const postSession = endpoint({
  method: "POST",
  path: "/v1/apps/{app}/auth/sessions",
  access: "anyone",
  idempotent: true,
  body: NewSession,
  answer: Session,
  async handle({ deps, app, body, requestKey, headers }) {
    await deps.knownApps.demand(app);
    const userAgent = (headers["user-agent"] ?? "").slice(0, USER_AGENT_CHARS_MAX);
    return created(await createSession(deps, app, { ...body, userAgent, requestKey }));
  },
});
