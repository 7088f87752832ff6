import { AppError } from "../platform/errors.ts";
import type { App } from "./app.ts";
import type { IdentityDeps } from "./issue-session.ts";
import {
  readDocument,
  type StoredSession,
  type StoredUser,
  sessionRef,
  storedSession,
  storedUser,
  userRef,
} from "./store.ts";

export const sessionEnded = (): AppError =>
  new AppError("session_ended", "The session has ended; sign in again.");

/** A session that stands, with its person. */
export interface StandingSession {
  readonly session: StoredSession;
  readonly user: StoredUser;
}

/**
 * Whether the session was ended together with others: the person's, the app's or all; or where the person
 * had signed in for it, by a sign-out or the end of the account there. One call there, for such a session.
 * @throws AppError `unavailable`
 */
export async function isOver(
  deps: IdentityDeps,
  app: App,
  sessionId: string,
  { session, user }: StandingSession,
): Promise<boolean> {
  const beganMs = session.createdAt.toMillis();
  if (session.federated !== undefined && !(await deps.identityPlatform.stands(session.federated)))
    return true;
  if (user.status !== undefined) return true;
  if (beganMs <= (user.sessionsValidAfter?.toMillis() ?? -1)) return true;
  // Only how the session began counts here: tokens that a role change ended are what a refresh replaces.
  const issued = { app: app.id, user: session.user, sessionId, tokenId: "", issuedMs: Infinity, beganMs };
  try {
    await deps.revocations.demandValid(issued, "fresh");
    return false;
  } catch (cause) {
    if (cause instanceof AppError && cause.code === "token_revoked") return true;
    throw cause;
  }
}

/**
 * A session of which tokens may still be given: neither ended nor expired. 2 reads and what `isOver` costs.
 * @throws AppError `session_ended`, `unavailable`
 */
export async function demandStanding(
  deps: IdentityDeps,
  app: App,
  sessionId: string,
): Promise<StandingSession> {
  const { data: session } = await readDocument(sessionRef(app, sessionId), storedSession);
  if (session?.status !== "open" || session.expireAt.toMillis() <= deps.clock.now()) throw sessionEnded();
  const { data: user } = await readDocument(userRef(app, session.user), storedUser);
  if (user === undefined || (await isOver(deps, app, sessionId, { session, user }))) throw sessionEnded();
  return { session, user };
}
