import type { IncomingHttpHeaders } from "node:http";
import type { App } from "../../../shared/identity/app.ts";
import type { Session } from "../../../shared/identity/contract.ts";
import { parseRefreshToken } from "../../../shared/identity/refresh-token.ts";
import { SESSION_TTL_MS } from "../../../shared/identity/session-lifetime.ts";
import type { Deps } from "../../../shared/platform/deps.ts";
import { AppError } from "../../../shared/platform/errors.ts";
import { sameSecret } from "../../../shared/platform/keys.ts";
import { oneHeader } from "../../runtime/request-context.ts";

/** The only cookie that Firebase Hosting passes on. */
const COOKIE = "__session";

export type Transport = "body" | "cookie";

/**
 * A session as its transport carries it. In a browser the refresh token is a cookie that no script can read
 * and that goes to the sign-in routes of its app only; what proves that a page of ours sends the request is
 * the CSRF token in the body, which no other page can read.
 */
export function sessionReply(
  deps: Pick<Deps, "keys">,
  app: App,
  session: Session,
  transport: Transport,
): { body: object; headers: Record<string, string> } {
  const { refreshToken, ...rest } = session;
  if (transport === "body" || refreshToken === undefined) return { body: session, headers: {} };
  return {
    body: { ...rest, csrfToken: csrfTokenOf(deps, app, session.sessionId) },
    headers: { "set-cookie": cookie(app, refreshToken, SESSION_TTL_MS / 1000) },
  };
}

/** Takes the cookie away, from whoever has sent one. */
export const withoutCookie = (app: App, headers: IncomingHttpHeaders): Record<string, string> =>
  cookieOf(headers) === undefined ? {} : { "set-cookie": cookie(app, "", 0) };

const cookie = (app: App, value: string, maxAgeSeconds: number): string =>
  [
    `${COOKIE}=${value}`,
    `Path=/v1/apps/${app.id}/auth`,
    `Max-Age=${maxAgeSeconds}`,
    "HttpOnly",
    "Secure",
    "SameSite=Strict",
  ].join("; ");

/**
 * The refresh token of the cookie, once the request has proved to come from a page of ours: browsers add
 * the cookie to any page's request, but Origin and CSRF token can't be forged by one.
 * @throws AppError `unauthenticated` without a cookie, `forbidden` without the proofs
 */
export function demandCookie(deps: Pick<Deps, "keys">, app: App, headers: IncomingHttpHeaders): string {
  const token = cookieOf(headers);
  if (token === undefined) throw new AppError("unauthenticated", "Send the refresh token, or its cookie.");
  if (headers.origin === undefined) throw new AppError("forbidden", "A cookie needs an Origin beside it.");
  const sessionId = parseRefreshToken(deps.keys, app, token)?.sessionId;
  const given = oneHeader(headers["x-csrf-token"]) ?? "";
  if (sessionId === undefined || !sameSecret(given, csrfTokenOf(deps, app, sessionId))) {
    throw new AppError("forbidden", "A cookie needs the session's X-CSRF-Token beside it.");
  }
  return token;
}

const csrfTokenOf = (deps: Pick<Deps, "keys">, app: App, sessionId: string): string =>
  deps.keys.mac("csrf", app.id, sessionId);

/** Undefined also when the cookie stands twice: then one of them was planted. */
function cookieOf(headers: IncomingHttpHeaders): string | undefined {
  const values = (headers.cookie ?? "")
    .split(";")
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${COOKIE}=`))
    .map((pair) => pair.slice(COOKIE.length + 1));
  return values.length === 1 && values[0] !== "" ? values[0] : undefined;
}
