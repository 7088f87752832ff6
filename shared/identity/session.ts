import type { Deps } from "../platform/deps.ts";
import { AppError, GRPC, grpcCode } from "../platform/errors.ts";
import { Timestamp, type Transaction } from "../platform/firestore.ts";
import { derivedId, randomId } from "../platform/ids.ts";
import { sameSecret } from "../platform/keys.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";
import { ACCESS_TOKEN_TTL_SECONDS, type AccessTokens } from "./access-token.ts";
import type { App } from "./app.ts";
import type { Session } from "./contract.ts";
import type { Principal } from "./principal.ts";
import { encodeRefreshToken, parseRefreshToken } from "./refresh-token.ts";
import { codeOf } from "./sign-in-code.ts";
import {
  addressRef,
  challengeRef,
  endSessionsOf,
  readDocument,
  type StoredChallenge,
  type StoredSession,
  type StoredUser,
  sessionRef,
  userRef,
} from "./store.ts";
import { userView } from "./user-view.ts";

export type IdentityDeps = Deps & { readonly accessTokens: AccessTokens };

/** A session that is not used for this long ends. */
export const SESSION_TTL_MS = 60 * 24 * 3600 * 1000;
/**
 * For this long after a rotation the token before is answered with the same successor: two tabs that
 * refresh at once, or a client that lost the answer, are honest. Later it is a theft.
 */
export const REFRESH_RACE_MS = 10_000;
const TRANSACTION_MS_MAX = 15_000;

const wrongCode = (): AppError => new AppError("code_invalid", "The code is wrong, used or expired.");
const ended = (): AppError => new AppError("session_ended", "The session has ended; sign in again.");

interface SignIn {
  readonly challenge: string;
  readonly code: string;
  readonly userAgent: string;
  readonly requestKey: string | undefined;
}

/**
 * Signs a person in with a mailed code and creates their user at the first time. A code works once; with
 * an Idempotency-Key the same request gets the same session again. One transaction: 3 reads, 2 to 4 writes.
 * @throws AppError `code_invalid`, whatever is wrong with challenge or code; `unavailable`
 */
export async function createSession(deps: IdentityDeps, app: App, signIn: SignIn): Promise<Session> {
  const attempt =
    signIn.requestKey === undefined
      ? randomId()
      : derivedId("sign-in", app.id, signIn.challenge, signIn.requestKey);
  const sessionId = derivedId("session", app.id, signIn.challenge);
  const isRight = sameSecret(signIn.code, codeOf(deps.keys, app, signIn.challenge));
  const signedIn = await within(
    TRANSACTION_MS_MAX,
    deps.firestore.runTransaction((transaction) =>
      useChallenge(deps, app, transaction, signIn, { attempt, sessionId, isRight }),
    ),
  );
  if (signedIn === undefined) throw wrongCode();
  return issue(deps, app, sessionId, 0, signedIn.userId, signedIn.user);
}

/** Undefined when the sign-in fails; a wrong code has then cost one try. */
async function useChallenge(
  deps: IdentityDeps,
  app: App,
  transaction: Transaction,
  signIn: SignIn,
  { attempt, sessionId, isRight }: { attempt: string; sessionId: string; isRight: boolean },
): Promise<{ userId: string; user: StoredUser } | undefined> {
  const ref = challengeRef(app, signIn.challenge);
  const challenge = (await transaction.get(ref)).data() as StoredChallenge | undefined;
  const now = deps.clock.now();
  if (challenge === undefined || challenge.expiresAt.toMillis() <= now || challenge.triesLeft <= 0)
    return undefined;
  const isRepeated = challenge.usedBy === attempt;
  if (challenge.usedBy !== null && !isRepeated) return undefined;
  if (!isRight) {
    transaction.update(ref, { triesLeft: challenge.triesLeft - 1 });
    return undefined;
  }
  const address = addressRef(app, addressHash(deps, app, challenge.email));
  const known = await transaction.get(address);
  const userId = known.exists ? String(known.get("user")) : derivedId("user", app.id, signIn.challenge);
  const existing = known.exists ? await transaction.get(userRef(app, userId)) : undefined;
  const at = Timestamp.fromMillis(now);
  const user = (existing?.data() as StoredUser | undefined) ?? newUser(challenge.email, at);
  if (isRepeated) return { userId, user };
  if (!known.exists) {
    transaction.create(address, { user: userId });
    transaction.create(userRef(app, userId), { ...user });
  } else {
    transaction.update(userRef(app, userId), { lastSeenAt: at });
  }
  transaction.update(ref, { usedBy: attempt });
  transaction.create(sessionRef(app, sessionId), { ...newSession(userId, signIn.userAgent, at) });
  return { userId, user };
}

/** Addresses are compared without regard to case and found by a keyed hash. */
export const addressHash = (deps: Deps, app: App, email: string): string =>
  deps.keys.mac("address", app.id, email.normalize("NFC").toLowerCase());

const newUser = (email: string, at: Timestamp): StoredUser => ({
  email,
  name: email.slice(0, email.lastIndexOf("@")),
  role: "member",
  avatarUrl: null,
  language: "en",
  timeZone: "Etc/UTC",
  createdAt: at,
  lastSeenAt: at,
});

const newSession = (user: string, userAgent: string, at: Timestamp): StoredSession => ({
  user,
  generation: 0,
  rotatedAt: at,
  status: "open",
  userAgent,
  createdAt: at,
  expireAt: Timestamp.fromMillis(at.toMillis() + SESSION_TTL_MS),
});

/**
 * Exchanges a refresh token for new tokens and rotates it. An old token ends the session, except within
 * REFRESH_RACE_MS, when it gets the same successor as the first time. 2 reads, 1 write.
 * @throws AppError `session_ended`, `unavailable`
 */
export async function refreshSession(deps: IdentityDeps, app: App, refreshToken: string): Promise<Session> {
  const parsed = parseRefreshToken(deps.keys, app, refreshToken);
  if (parsed === undefined) throw ended();
  const ref = sessionRef(app, parsed.sessionId);
  for (;;) {
    const { data: session, found } = await readDocument<StoredSession>(ref);
    const now = deps.clock.now();
    if (session === undefined || session.status !== "open" || session.expireAt.toMillis() <= now)
      throw ended();
    const { data: user } = await readDocument<StoredUser>(userRef(app, session.user));
    if (user === undefined) throw ended();
    if (isHonestRepetition(session, parsed.generation, now)) {
      return issue(deps, app, parsed.sessionId, session.generation, session.user, user);
    }
    const isReused = parsed.generation !== session.generation;
    const at = Timestamp.fromMillis(now);
    const next = isReused
      ? { status: "ended" }
      : {
          generation: session.generation + 1,
          rotatedAt: at,
          expireAt: Timestamp.fromMillis(now + SESSION_TTL_MS),
        };
    try {
      const precondition = found.updateTime === undefined ? {} : { lastUpdateTime: found.updateTime };
      await within(READ_MS_MAX, ref.update(next, precondition));
    } catch (cause) {
      // Another refresh was faster; what it left decides.
      if (grpcCode(cause) === GRPC.failedPrecondition) continue;
      throw cause;
    }
    if (isReused) {
      deps.log.write("WARNING", "A refresh token was used again; its session has been ended.", {
        app: app.id,
      });
      throw ended();
    }
    return issue(deps, app, parsed.sessionId, session.generation + 1, session.user, user);
  }
}

const isHonestRepetition = (session: StoredSession, generation: number, now: number): boolean =>
  generation === session.generation - 1 && now - session.rotatedAt.toMillis() <= REFRESH_RACE_MS;

async function issue(
  deps: IdentityDeps,
  app: App,
  sessionId: string,
  generation: number,
  userId: string,
  user: StoredUser,
): Promise<Session> {
  const accessToken = await deps.accessTokens.sign({ app: app.id, user: userId, role: user.role, sessionId });
  return {
    accessToken,
    tokenType: "Bearer",
    expiresIn: ACCESS_TOKEN_TTL_SECONDS,
    refreshToken: encodeRefreshToken(deps.keys, app, sessionId, generation),
    sessionId,
    user: userView(userId, user, true),
  };
}

/**
 * Ends one session of the person: theirs by default. Idempotent. 1 read, 1 write.
 * @throws AppError `not_found` for a session that is not theirs
 */
export async function endSession(app: App, person: Principal, sessionId: string | undefined): Promise<void> {
  const id = sessionId ?? person.sessionId;
  if (id === undefined) throw new AppError("not_found", "There is no such session.");
  const ref = sessionRef(app, id);
  const { data } = await readDocument<StoredSession>(ref);
  if (data === undefined || data.user !== person.id)
    throw new AppError("not_found", "There is no such session.");
  if (data.status === "open") await within(READ_MS_MAX, ref.update({ status: "ended" }));
}

/** Ends every session of the person. 1 query, a read and a write for each. */
export async function endAllSessions(deps: Deps, app: App, person: Principal): Promise<void> {
  await endSessionsOf(deps.firestore, app, person.id);
}
