import type { Deps } from "../platform/deps.ts";
import { AppError } from "../platform/errors.ts";
import type { Transaction } from "../platform/firestore.ts";
import { Timestamp } from "../platform/firestore-values.ts";
import { derivedId, randomId } from "../platform/ids.ts";
import { sameSecret } from "../platform/keys.ts";
import { within } from "../platform/within.ts";
import { admit } from "./admission.ts";
import type { App } from "./app.ts";
import { type Caller, networkOf } from "./caller.ts";
import type { Session } from "./contract.ts";
import { type IdentityDeps, issueSession } from "./issue-session.ts";
import { addFailure, clearFailures, readLockout } from "./lockout.ts";
import { addSecurityEvent, securityEventsOf } from "./security-event.ts";
import { SESSION_TTL_MS } from "./session-lifetime.ts";
import { codeOf } from "./sign-in-code.ts";
import {
  addressHash,
  addressRef,
  challengeRef,
  type StoredSession,
  type StoredUser,
  sessionRef,
  TRANSACTION_MS_MAX,
  userRef,
  storedSession,
  storedUser,
  storedChallenge,
} from "./store.ts";

const wrongCode = (): AppError => new AppError("code_invalid", "The code is wrong, used or expired.");

interface SignIn {
  readonly challenge: string;
  readonly code: string;
  readonly caller: Caller;
  readonly requestKey: string | undefined;
}

interface Attempt {
  readonly id: string;
  readonly sessionId: string;
  readonly isRight: boolean;
}

interface SignedIn {
  readonly session: StoredSession;
  readonly user: StoredUser;
}

/**
 * Signs a person in with a mailed code and creates their user at the first time. A code works once; with an
 * Idempotency-Key the same request gets the same session again. Wrong codes are counted by challenge and by
 * address. One transaction: 4 reads, 3 to 5 writes.
 * @throws AppError `code_invalid`, whatever is wrong with challenge, code or address; `not_admitted`,
 * `unavailable`
 */
export async function createSession(deps: IdentityDeps, app: App, signIn: SignIn): Promise<Session> {
  const attempt = {
    id:
      signIn.requestKey === undefined
        ? randomId()
        : derivedId("sign-in", app.id, signIn.challenge, signIn.requestKey),
    sessionId: derivedId("session", app.id, signIn.challenge),
    isRight: sameSecret(signIn.code, codeOf(deps.keys, app, signIn.challenge)),
  };
  const signedIn = await within(
    TRANSACTION_MS_MAX,
    deps.firestore.runTransaction((transaction) => useChallenge(deps, app, transaction, { signIn, attempt })),
  );
  if (signedIn === undefined) throw wrongCode();
  return issueSession(deps, app, attempt.sessionId, { session: signedIn.session, user: signedIn.user });
}

/** Undefined when the sign-in fails; a wrong code has then cost one try. */
async function useChallenge(
  deps: IdentityDeps,
  app: App,
  transaction: Transaction,
  { signIn, attempt }: { readonly signIn: SignIn; readonly attempt: Attempt },
): Promise<SignedIn | undefined> {
  const ref = challengeRef(app, signIn.challenge);
  const challenge = storedChallenge(await transaction.get(ref));
  const now = deps.clock.now();
  if (challenge === undefined || challenge.expiresAt.toMillis() <= now || challenge.triesLeft <= 0)
    return undefined;
  const isRepeated = challenge.usedBy === attempt.id;
  if (challenge.usedBy !== null && !isRepeated) return undefined;
  const address = addressHash(deps.keys, app, challenge.email);
  const lockout = await readLockout(deps, app, address, transaction);
  if (lockout.isLocked) return undefined;
  if (!attempt.isRight) {
    transaction.update(ref, { triesLeft: challenge.triesLeft - 1 });
    const event = {
      kind: "sign-in-failed",
      subject: addressPseudonym(address),
      caller: signIn.caller,
    } as const;
    addFailure(deps, app, transaction, { lockout, event });
    return undefined;
  }
  const { userId, user, isNew } = await personOf(deps, app, transaction, {
    address,
    email: challenge.email,
    cause: signIn.challenge,
    invitation: challenge.invitation,
  });
  const at = Timestamp.fromMillis(now);
  const session = isRepeated
    ? storedSession(await transaction.get(sessionRef(app, attempt.sessionId)))
    : newSession(userId, signIn.caller.userAgent, at);
  if (session === undefined) return undefined;
  if (isRepeated) return { session, user };
  clearFailures(transaction, lockout);
  if (isNew) {
    transaction.create(addressRef(app, address), { user: userId });
    transaction.create(userRef(app, userId), { ...user });
  } else {
    transaction.update(userRef(app, userId), { lastSeenAt: at });
  }
  transaction.update(ref, { usedBy: attempt.id });
  addSession(deps, app, transaction, {
    sessionId: attempt.sessionId,
    session,
    caller: signIn.caller,
    method: "code",
  });
  return { session, user };
}

/**
 * Who has this address: a user, or one to be created. 1 or 2 reads, and what admission costs.
 * @throws AppError `not_admitted`
 */
export async function personOf(
  deps: IdentityDeps,
  app: App,
  transaction: Transaction,
  {
    address,
    email,
    cause,
    invitation,
  }: {
    readonly address: string;
    readonly email: string;
    readonly cause: string;
    readonly invitation: string | undefined;
  },
): Promise<{ userId: string; user: StoredUser; isNew: boolean }> {
  const known = await transaction.get(addressRef(app, address));
  const userId = known.exists ? String(known.get("user")) : derivedId("user", app.id, cause);
  const existing = known.exists ? await transaction.get(userRef(app, userId)) : undefined;
  const user = storedUser(existing);
  const role = await admit(deps, app, transaction, { userId, known: user, address, email, invitation });
  const { status: _left, ...present } = user ?? newUser(email, Timestamp.fromMillis(deps.clock.now()));
  return { userId, user: { ...present, role: role ?? present.role }, isNew: !known.exists };
}

/** Stores a session and records the sign-in. 2 writes. */
export function addSession(
  deps: Deps,
  app: App,
  transaction: Transaction,
  {
    sessionId,
    session,
    caller,
    method,
  }: {
    readonly sessionId: string;
    readonly session: StoredSession;
    readonly caller: Caller;
    readonly method: "code" | "exchange";
  },
): void {
  transaction.create(sessionRef(app, sessionId), { ...session, network: networkOf(caller.ip) });
  addSecurityEvent(deps, transaction, securityEventsOf(app), {
    event: {
      kind: "signed-in",
      actor: session.user,
      subject: session.user,
      caller,
      details: { method },
    },
  });
}

const PSEUDONYM_CHARS = 16;

/** Tells addresses apart in the events without naming them. */
const addressPseudonym = (hash: string): string => `address_${hash.slice(0, PSEUDONYM_CHARS)}`;

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

export const newSession = (user: string, userAgent: string, at: Timestamp): StoredSession => ({
  user,
  generation: 0,
  rotatedAt: at,
  status: "open",
  userAgent,
  createdAt: at,
  factorAt: null,
  expireAt: Timestamp.fromMillis(at.toMillis() + SESSION_TTL_MS),
});
