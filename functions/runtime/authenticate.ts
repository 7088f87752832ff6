import type { IncomingHttpHeaders } from "node:http";
import { isApiToken } from "../../shared/identity/api-token.ts";
import type { App } from "../../shared/identity/app.ts";
import { demand, NEEDS_FRESH, type Permission } from "../../shared/identity/permissions.ts";
import type { Principal } from "../../shared/identity/principal.ts";
import { openTicket } from "../../shared/identity/ticket.ts";
import { AppError } from "../../shared/platform/errors.ts";
import { sameSecret } from "../../shared/platform/keys.ts";
import type { Access } from "./endpoint.ts";
import type { HttpDeps } from "./http-deps.ts";

const OPERATOR: Principal = { id: "operator", kind: "operator", role: "owner" };

/**
 * The principal, by the bearer token or the ticket that stands for one. A valid access token costs no
 * Firestore operation, an API token one read a minute.
 * @throws AppError `unauthenticated`, `token_invalid`, `token_expired`, `token_revoked`, `unavailable`
 */
export async function authenticate(
  deps: HttpDeps,
  access: Exclude<Access, "anyone">,
  app: App | undefined,
  {
    headers,
    ticket,
    beforeRead,
  }: {
    readonly headers: IncomingHttpHeaders;
    readonly ticket: string | undefined;
    /** Is asked before a token that is not known here is looked up; may throw. */
    readonly beforeRead: () => void;
  },
): Promise<Principal> {
  const isTicket = ticket !== undefined && headers.authorization === undefined && app !== undefined;
  const token = isTicket ? openTicket(deps, app, ticket) : bearerOf(headers);
  const isOperator = sameSecret(token, deps.config.operatorKey);
  if (access === "operator") {
    if (!isOperator) throw new AppError("unauthenticated", "This needs the operator's key.");
    return OPERATOR;
  }
  if (app === undefined) throw new Error("A permission is always one in an app.");
  return isOperator ? OPERATOR : verify(deps, access, { app, token, beforeRead });
}

/**
 * Checks that the principal holds the permission. The operator acts in every app that exists.
 * @throws AppError `forbidden`, `not_found`
 */
export async function authorize(
  deps: HttpDeps,
  access: Exclude<Access, "anyone">,
  app: App | undefined,
  principal: Principal,
): Promise<void> {
  if (access === "operator") return;
  demand(principal, access);
  if (principal.kind === "operator" && app !== undefined) await deps.apps.settingsOf(app);
}

async function verify(
  deps: HttpDeps,
  access: Permission,
  { app, token, beforeRead }: { readonly app: App; readonly token: string; readonly beforeRead: () => void },
): Promise<Principal> {
  const freshness = NEEDS_FRESH.has(access) ? "fresh" : "bounded";
  if (!isApiToken(token)) return deps.accessTokens.verify(app.id, token, freshness);
  const principal = await deps.apiTokens.verify(app, token, beforeRead);
  if (freshness === "fresh") await deps.revocations.demandFresh();
  return principal;
}

/** @throws AppError `unauthenticated` */
export function bearerOf(headers: IncomingHttpHeaders): string {
  const match = /^Bearer +([\x21-\x7e]+) *$/i.exec(headers.authorization ?? "");
  if (match?.[1] === undefined) throw new AppError("unauthenticated", "Send an access token as bearer.");
  return match[1];
}
