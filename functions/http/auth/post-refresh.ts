import { Refresh, Session } from "../../../shared/identity/contract.ts";
import { refreshSession } from "../../../shared/identity/refresh-session.ts";
import { publicEndpoint } from "../endpoint.ts";
import { demandCookie, sessionReply } from "./session-reply.ts";

export const postRefresh = publicEndpoint({
  method: "POST",
  path: "/v1/apps/{app}/auth/refresh",
  summary: "Gives a new access token for a refresh token.",
  statuses: [200],
  body: Refresh,
  reply: Session,
  async handle({ deps, app, body, headers, caller }) {
    const transport = body.refreshToken === undefined ? "cookie" : "body";
    const refreshToken = body.refreshToken ?? demandCookie(deps, app, headers);
    const session = await refreshSession(deps, app, refreshToken, caller);
    return { status: 200, ...sessionReply(deps, app, session, transport) };
  },
});
