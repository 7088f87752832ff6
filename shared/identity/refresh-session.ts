import { GRPC, grpcCode } from "../platform/errors.ts";
import type { WriteBatch } from "../platform/firestore.ts";
import { Timestamp } from "../platform/firestore-values.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";
import type { App } from "./app.ts";
import type { Caller } from "./caller.ts";
import type { Session } from "./contract.ts";
import { type IdentityDeps, issueSession } from "./issue-session.ts";
import { isSeenLongAgo } from "./last-seen.ts";
import { parseRefreshToken } from "./refresh-token.ts";
import { addRevocation } from "./revocation.ts";
import { accessTokensEndMs } from "./revoke.ts";
import { addSecurityEvent, securityEventsOf } from "./security-event.ts";
import { REFRESH_RACE_MS, SESSION_TTL_MS } from "./session-lifetime.ts";
import { isOver, sessionEnded } from "./session-standing.ts";
import { readDocument, type StoredSession, sessionRef, userRef, storedSession, storedUser } from "./store.ts";

/**
 * Exchanges a refresh token for new tokens and rotates it. An old token ends the session and its access
 * tokens, except within REFRESH_RACE_MS, when it gets the same successor as the first time. 2 reads, 1 write
 * and one more in LAST_SEEN_MS, and one call to Identity Platform for a session that stands on a sign-in
 * there.
 * @throws AppError `session_ended`, `unavailable`
 */
export async function refreshSession(
  deps: IdentityDeps,
  app: App,
  refreshToken: string,
  caller: Caller,
): Promise<Session> {
  const parsed = parseRefreshToken(deps.keys, app, refreshToken);
  if (parsed === undefined) throw sessionEnded();
  const { sessionId, generation } = parsed;
  const ref = sessionRef(app, sessionId);
  for (;;) {
    const { data: session, found } = await readDocument(ref, storedSession);
    const now = deps.clock.now();
    if (session === undefined || session.status !== "open" || session.expireAt.toMillis() <= now)
      throw sessionEnded();
    const { data: user } = await readDocument(userRef(app, session.user), storedUser);
    if (user === undefined || (await isOver(deps, app, sessionId, { session, user }))) throw sessionEnded();
    if (isHonestRepetition(session, generation, now))
      return issueSession(deps, app, sessionId, { session, user });
    const isReused = generation !== session.generation;
    const at = Timestamp.fromMillis(now);
    const next = {
      ...session,
      generation: session.generation + 1,
      rotatedAt: at,
      expireAt: Timestamp.fromMillis(now + SESSION_TTL_MS),
    };
    const batch = deps.firestore.batch();
    const precondition = found.updateTime === undefined ? {} : { lastUpdateTime: found.updateTime };
    if (isReused) {
      batch.update(ref, { status: "ended" }, precondition);
      addReuse(deps, app, batch, { sessionId, session, caller });
    } else {
      const { generation: count, rotatedAt, expireAt } = next;
      batch.update(ref, { generation: count, rotatedAt, expireAt }, precondition);
      if (isSeenLongAgo(user, now)) batch.update(userRef(app, session.user), { lastSeenAt: at });
    }
    try {
      await within(READ_MS_MAX, batch.commit());
    } catch (cause) {
      // Another refresh was faster, or the account has just gone; what is left decides.
      const code = grpcCode(cause);
      if (code === GRPC.failedPrecondition || code === GRPC.notFound) continue;
      throw cause;
    }
    if (!isReused) return issueSession(deps, app, sessionId, { session: next, user });
    deps.log.warn("A refresh token was used again; its session has been ended.", {
      event: "refresh-token.reused",
      app: app.id,
    });
    throw sessionEnded();
  }
}

const isHonestRepetition = (session: StoredSession, generation: number, now: number): boolean =>
  generation === session.generation - 1 && now - session.rotatedAt.toMillis() <= REFRESH_RACE_MS;

function addReuse(
  deps: IdentityDeps,
  app: App,
  batch: WriteBatch,
  {
    sessionId,
    session,
    caller,
  }: { readonly sessionId: string; readonly session: StoredSession; readonly caller: Caller },
): void {
  const now = deps.clock.now();
  addRevocation(deps.firestore, batch, {
    scope: "session",
    id: sessionId,
    ends: "sessions",
    beforeMs: now,
    expireMs: accessTokensEndMs(now),
  });
  addSecurityEvent(deps, batch, securityEventsOf(app), {
    event: {
      kind: "refresh-token-reused",
      subject: session.user,
      caller,
    },
  });
}
