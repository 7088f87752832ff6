import { endAllSessions, endSession } from "../../../shared/identity/end-session.ts";
import { noContent } from "../../runtime/reply.ts";
import { appEndpoint } from "../endpoint.ts";
import { SessionParams } from "../parameters.ts";
import { withoutCookie } from "./session-reply.ts";

/** Signs out here. */
export const deleteCurrentSession = appEndpoint({
  method: "DELETE",
  path: "/v1/apps/{app}/auth/sessions/current",
  summary: "Ends the caller's session.",
  access: "session:end",
  reply: "empty",
  async handle({ deps, app, principal, headers, caller }) {
    await endSession(deps, app, principal, { sessionId: undefined, caller });
    return { status: 204, headers: withoutCookie(app, headers) };
  },
});

/** Signs out there. */
export const deleteSession = appEndpoint({
  method: "DELETE",
  path: "/v1/apps/{app}/auth/sessions/{id}",
  summary: "Ends one of the caller's sessions.",
  access: "session:end",
  params: SessionParams,
  reply: "empty",
  async handle({ deps, app, principal, params, caller }) {
    await endSession(deps, app, principal, { sessionId: params.id, caller });
    return noContent;
  },
});

/** Signs out everywhere. */
export const deleteSessions = appEndpoint({
  method: "DELETE",
  path: "/v1/apps/{app}/auth/sessions",
  summary: "Ends all of the caller's sessions.",
  access: "session:end",
  reply: "empty",
  async handle({ deps, app, principal, headers, caller }) {
    await endAllSessions(deps, app, principal, caller);
    return { status: 204, headers: withoutCookie(app, headers) };
  },
});
