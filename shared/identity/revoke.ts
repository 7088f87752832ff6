import type { Deps } from "../platform/deps.ts";
import { AppError } from "../platform/errors.ts";
import { commitOnce, requestRecord, systemRequestsOf } from "../platform/request-record.ts";
import { ACCESS_TOKEN_TTL_SECONDS, CLOCK_TOLERANCE_SECONDS } from "./access-token.ts";
import type { Caller } from "./caller.ts";
import type { RevocationScope, Revoked } from "./contract.ts";
import { addRevocation } from "./revocation.ts";
import { addSecurityEvent } from "./security-event.ts";
import { SESSION_TTL_MS } from "./session-lifetime.ts";
import { systemEventsOf } from "./system.ts";

/** When no access token that was issued until now can be good any more. */
export const accessTokensEndMs = (nowMs: number): number =>
  nowMs + (ACCESS_TOKEN_TTL_SECONDS + 2 * CLOCK_TOLERANCE_SECONDS) * 1000;

/**
 * Ends one token, one session, or all sessions of a person, of an app, or of all apps that were begun until
 * `issuedBefore`: their access tokens within seconds on every instance, their refresh tokens at the next use.
 * Idempotent under `requestKey`. 2 writes, 1 more with a key. API tokens are no sessions; they are deleted
 * one by one.
 * @throws AppError `invalid_request` for a time to come, `idempotency_key_reused`
 */
export async function revoke(
  deps: Deps,
  wish: {
    readonly scope: RevocationScope;
    readonly id?: string | undefined;
    readonly issuedBefore?: string | undefined;
    readonly requestKey: string | undefined;
    readonly caller: Caller;
  },
): Promise<{ revoked: Revoked; replayed: boolean }> {
  const { scope, id = "", caller } = wish;
  const nowMs = deps.clock.now();
  const beforeMs = wish.issuedBefore === undefined ? nowMs : Date.parse(wish.issuedBefore);
  if (beforeMs > nowMs) {
    throw new AppError("invalid_request", "What has not been issued yet can't be revoked.", {
      errors: [{ path: "issuedBefore", message: "must not be in the future" }],
    });
  }
  // A session lives on its refresh token, which can be unused for long and must find the entry then.
  const expireMs = scope === "token" ? accessTokensEndMs(nowMs) : nowMs + SESSION_TTL_MS;
  const { issuedBefore, requestKey } = wish;
  const record = requestRecord(deps, systemRequestsOf(deps.firestore), ["revocation", requestKey], {
    scope,
    id,
    issuedBefore,
  });
  const batch = deps.firestore.batch();
  addRevocation(deps.firestore, batch, { scope, id, ends: "sessions", beforeMs, expireMs });
  addSecurityEvent(deps, batch, systemEventsOf(deps.firestore), {
    event: {
      kind: "tokens-revoked",
      actor: "operator",
      ...(id === "" ? {} : { subject: id }),
      caller,
      details: { scope },
    },
  });
  const first = view(scope, id, beforeMs, expireMs);
  const { result: revoked, replayed } = await commitOnce(deps, batch, record, first);
  return { revoked, replayed };
}

const view = (scope: RevocationScope, id: string, beforeMs: number, expireMs: number): Revoked => ({
  scope,
  ...(id === "" ? {} : { id }),
  issuedBefore: new Date(beforeMs).toISOString(),
  expiresAt: new Date(expireMs).toISOString(),
});
