import type { Deps } from "../platform/deps.ts";
import { AppError, GRPC, grpcCode } from "../platform/errors.ts";
import { derivedId, randomId } from "../platform/ids.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";
import { ACCESS_TOKEN_TTL_SECONDS, CLOCK_TOLERANCE_SECONDS } from "./access-token.ts";
import type { Caller } from "./caller.ts";
import type { RevocationScope, Revoked } from "./contract.ts";
import { addRevocation, storedRevocation } from "./revocation.ts";
import { addSecurityEvent } from "./security-event.ts";
import { SESSION_TTL_MS } from "./session-lifetime.ts";
import { readDocument } from "./store.ts";
import { revocationsOf, systemEventsOf } from "./system.ts";

/** When no access token that was issued until now can be good any more. */
export const accessTokensEndMs = (nowMs: number): number =>
  nowMs + (ACCESS_TOKEN_TTL_SECONDS + 2 * CLOCK_TOLERANCE_SECONDS) * 1000;

/**
 * Ends one token, one session, or all sessions of a person, of an app, or of all apps that were begun
 * until `issuedBefore`: their access tokens within seconds on every instance, their refresh tokens at the
 * next use. Idempotent under `requestKey`. 2 writes. API tokens are no sessions; they are deleted one by one.
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
  const entryId = wish.requestKey === undefined ? randomId() : derivedId("revocation", wish.requestKey);
  const batch = deps.firestore.batch();
  addRevocation(deps.firestore, batch, { scope, id, ends: "sessions", beforeMs, expireMs }, entryId);
  addSecurityEvent(deps, batch, systemEventsOf(deps.firestore), {
    event: {
      kind: "tokens-revoked",
      actor: "operator",
      ...(id === "" ? {} : { subject: id }),
      caller,
      details: { scope },
    },
  });
  try {
    await within(READ_MS_MAX, batch.commit());
    return { revoked: view(scope, id, beforeMs, expireMs), replayed: false };
  } catch (cause) {
    if (grpcCode(cause) !== GRPC.alreadyExists) throw cause;
  }
  const { data } = await readDocument(revocationsOf(deps.firestore).doc(entryId), storedRevocation);
  const isSameTime = wish.issuedBefore === undefined || data?.before.toMillis() === beforeMs;
  if (data === undefined || data.scope !== scope || data.id !== id || !isSameTime) {
    throw new AppError("idempotency_key_reused", "This Idempotency-Key was used for another revocation.");
  }
  return { revoked: view(scope, id, data.before.toMillis(), data.expireAt.toMillis()), replayed: true };
}

const view = (scope: RevocationScope, id: string, beforeMs: number, expireMs: number): Revoked => ({
  scope,
  ...(id === "" ? {} : { id }),
  issuedBefore: new Date(beforeMs).toISOString(),
  expiresAt: new Date(expireMs).toISOString(),
});
