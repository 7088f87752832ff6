import type { IncomingHttpHeaders } from "node:http";
import { isApiToken } from "../../shared/identity/api-token.ts";
import type { App } from "../../shared/identity/app.ts";
import { demand } from "../../shared/identity/permissions.ts";
import type { Principal } from "../../shared/identity/principal.ts";
import { AppError } from "../../shared/platform/errors.ts";
import { sameSecret } from "../../shared/platform/keys.ts";
import type { ApiDeps } from "../http/api-deps.ts";
import type { Access } from "./endpoint.ts";

const ANYONE: Principal = { id: "", kind: "person", role: "viewer" };
const OPERATOR: Principal = { id: "operator", kind: "operator", role: "owner" };

/**
 * Who calls, and whether they may. A valid access token costs no Firestore operation; an API token or
 * the operator's key one read a minute.
 * @throws AppError `unauthenticated`, `token_invalid`, `token_expired`, `forbidden`, `not_found`
 */
export async function authenticate(
  deps: ApiDeps,
  access: Access,
  app: App | undefined,
  headers: IncomingHttpHeaders,
): Promise<Principal> {
  if (access === "anyone") return ANYONE;
  const token = bearerOf(headers);
  const isOperator = sameSecret(token, deps.config.operatorKey);
  if (access === "operator") {
    if (!isOperator) throw new AppError("unauthenticated", "This needs the operator's key.");
    return OPERATOR;
  }
  if (app === undefined) throw new Error("A permission is always one in an app.");
  const principal = isOperator
    ? OPERATOR
    : isApiToken(token)
      ? await deps.apiTokens.verify(app, token)
      : await deps.accessTokens.verify(app.id, token);
  demand(principal, access);
  if (isOperator) await deps.knownApps.demand(app);
  return principal;
}

function bearerOf(headers: IncomingHttpHeaders): string {
  const match = /^Bearer +([\x21-\x7e]+) *$/i.exec(headers.authorization ?? "");
  if (match?.[1] === undefined) throw new AppError("unauthenticated", "Send an access token as bearer.");
  return match[1];
}
