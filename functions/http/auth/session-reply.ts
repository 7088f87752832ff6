import type { IncomingHttpHeaders } from "node:http";
import type { App } from "../../../shared/identity/app.ts";
import type { Session } from "../../../shared/identity/contract.ts";
import { DEVICE_TOKEN_TTL_SECONDS } from "../../../shared/identity/device-token.ts";
import { parseRefreshToken } from "../../../shared/identity/refresh-token.ts";
import { SESSION_TTL_MS } from "../../../shared/identity/session-lifetime.ts";
import type { Deps } from "../../../shared/platform/deps.ts";
import { AppError } from "../../../shared/platform/errors.ts";
import { sameSecret } from "../../../shared/platform/keys.ts";
import { oneHeader } from "../../runtime/request-context.ts";

/** The only cookie that Firebase Hosting passes on. */
const COOKIE = "__session";
/** Long-lived, and worth nothing but a place beside the strangers; it stays after a sign-out. */
const DEVICE_COOKIE = "device";

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
): { body: object; headers: Record<string, string[]> } {
  const { refreshToken, deviceToken, ...rest } = session;
  // A browser keeps the device's token by itself, wherever it keeps the session.
  const known =
    deviceToken === undefined ? [] : [cookie(app, DEVICE_COOKIE, deviceToken, DEVICE_TOKEN_TTL_SECONDS)];
  if (transport === "body" || refreshToken === undefined) {
    return { body: session, headers: known.length === 0 ? {} : { "set-cookie": known } };
  }
  return {
    body: { ...rest, csrfToken: csrfTokenOf(deps, app, session.sessionId) },
    headers: { "set-cookie": [cookie(app, COOKIE, refreshToken, SESSION_TTL_MS / 1000), ...known] },
  };
}

/** Takes the cookie away, from whoever has sent one. */
export const withoutCookie = (app: App, headers: IncomingHttpHeaders): Record<string, string> =>
  cookieOf(headers, COOKIE) === undefined ? {} : { "set-cookie": cookie(app, COOKIE, "", 0) };

/** The token of a device from which somebody has signed in before. */
export const deviceTokenOf = (headers: IncomingHttpHeaders): string | undefined =>
  cookieOf(headers, DEVICE_COOKIE);

const cookie = (app: App, name: string, value: string, maxAgeSeconds: number): string =>
  [
    `${name}=${value}`,
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
  const token = cookieOf(headers, COOKIE);
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
function cookieOf(headers: IncomingHttpHeaders, name: string): string | undefined {
  const values = (headers.cookie ?? "")
    .split(";")
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${name}=`))
    .map((pair) => pair.slice(name.length + 1));
  return values.length === 1 && values[0] !== "" ? values[0] : undefined;
}
