import { endAllSessions, endSession } from "../../../shared/identity/session.ts";
import { endpoint, noContent } from "../../runtime/endpoint.ts";
import { SessionParams } from "../parameters.ts";

/** Signs out here. */
export const deleteCurrentSession = endpoint({
  method: "DELETE",
  path: "/v1/apps/{app}/auth/sessions/current",
  access: "session:end",
  async handle({ app, principal }) {
    await endSession(app, principal, undefined);
    return noContent;
  },
});

/** Signs out there. */
export const deleteSession = endpoint({
  method: "DELETE",
  path: "/v1/apps/{app}/auth/sessions/{id}",
  access: "session:end",
  params: SessionParams,
  async handle({ app, principal, params }) {
    await endSession(app, principal, params.id);
    return noContent;
  },
});

/** Signs out everywhere. */
export const deleteSessions = endpoint({
  method: "DELETE",
  path: "/v1/apps/{app}/auth/sessions",
  access: "session:end",
  async handle({ deps, app, principal }) {
    await endAllSessions(deps, app, principal);
    return noContent;
  },
});
