import { Refresh, Session } from "../../../shared/identity/contract.ts";
import { refreshSession } from "../../../shared/identity/refresh-session.ts";
import { endpoint, ok } from "../../runtime/endpoint.ts";

export const postRefresh = endpoint({
  method: "POST",
  path: "/v1/apps/{app}/auth/refresh",
  access: "anyone",
  body: Refresh,
  answer: Session,
  async handle({ deps, app, body, caller }) {
    return ok(await refreshSession(deps, app, body.refreshToken, caller));
  },
});
