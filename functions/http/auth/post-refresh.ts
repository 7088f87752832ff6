import { Refresh, Session } from "../../../shared/identity/contract.ts";
import { refreshSession } from "../../../shared/identity/refresh-session.ts";
import { endpoint } from "../../runtime/endpoint.ts";
import { demandCookie, sessionAnswer } from "./session-answer.ts";

export const postRefresh = endpoint({
  method: "POST",
  path: "/v1/apps/{app}/auth/refresh",
  access: "anyone",
  body: Refresh,
  answer: Session,
  async handle({ deps, app, body, headers, caller }) {
    const transport = body.refreshToken === undefined ? "cookie" : "body";
    const refreshToken = body.refreshToken ?? demandCookie(deps, app, headers);
    const session = await refreshSession(deps, app, refreshToken, caller);
    return { status: 200, ...sessionAnswer(deps, app, session, transport) };
  },
});
