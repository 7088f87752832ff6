import { AppError } from "../platform/errors.ts";
import type { Transaction } from "../platform/firestore.ts";
import { Timestamp } from "../platform/firestore-values.ts";
import { sameSecret } from "../platform/keys.ts";
import { within } from "../platform/within.ts";
import type { App } from "./app.ts";
import type { Caller } from "./caller.ts";
import type { Session } from "./contract.ts";
import { factorRef, recoveryHash, secretOf, storedFactor } from "./factor.ts";
import { type IdentityDeps, issueSession } from "./issue-session.ts";
import { addFailure, clearFailures, readLockout } from "./lockout.ts";
import type { Principal } from "./principal.ts";
import { addSecurityEvent, securityEventsOf } from "./security-event.ts";
import {
  type StoredSession,
  type StoredUser,
  sessionRef,
  TRANSACTION_MS_MAX,
  userRef,
  storedSession,
  storedUser,
} from "./store.ts";
import { matchTotp } from "./totp.ts";
import { foldCode } from "./typed-code.ts";

interface Proved {
  readonly session: StoredSession;
  readonly user: StoredUser;
}

/**
 * Proves the second factor with a code of the authenticator app or a recovery code, each good once, and
 * returns an access token that says when. The refresh token stays as it is. Failures are counted:
 * FAILURES_MAX lock the session out for LOCKOUT_MS, SUBJECT_FAILURES_MAX all of the person's. One
 * transaction: 5 reads, 3 to 5 writes.
 * @throws AppError `code_invalid`, whatever is wrong; `session_ended`
 */
export async function proveFactor(
  deps: IdentityDeps,
  app: App,
  person: Principal,
  { code, caller }: { readonly code: string; readonly caller: Caller },
): Promise<Session> {
  const { sessionId } = person;
  if (sessionId === undefined) throw new AppError("not_found", "There is no session here.");
  const proved = await within(
    TRANSACTION_MS_MAX,
    deps.firestore.runTransaction((transaction) =>
      prove(deps, app, transaction, { person, sessionId, code, caller }),
    ),
  );
  if (proved === undefined) throw new AppError("code_invalid", "The code is wrong, used or expired.");
  const { refreshToken: _unchanged, ...session } = await issueSession(deps, app, sessionId, {
    session: proved.session,
    user: proved.user,
  });
  return session;
}

async function prove(
  deps: IdentityDeps,
  app: App,
  transaction: Transaction,
  attempt: { person: Principal; sessionId: string; code: string; caller: Caller },
): Promise<Proved | undefined> {
  const { person, sessionId, code, caller } = attempt;
  const ref = factorRef(app, person.id);
  const factor = storedFactor(await transaction.get(ref));
  // By session: whoever has got hold of one can't lock the person out of the others.
  const guesser = {
    subject: deps.keys.mac("factor", app.id, person.id),
    source: deps.keys.mac("source", app.id, "session", sessionId),
    isKnown: false,
  };
  const lockout = await readLockout(deps, app, guesser, transaction);
  const session = storedSession(await transaction.get(sessionRef(app, sessionId)));
  const user = storedUser(await transaction.get(userRef(app, person.id)));
  if (session === undefined || session.status !== "open" || user === undefined) {
    throw new AppError("session_ended", "The session has ended; sign in again.");
  }
  if (factor?.isOn !== true || lockout.isLocked) return undefined;
  const now = deps.clock.now();
  const step = matchTotp(secretOf(deps, app, person.id, factor), foldCode(code), now, {
    lastStep: factor.lastStep,
    isSame: sameSecret,
  });
  const hash = recoveryHash(deps, app, person.id, code);
  const recovery = factor.recovery.filter((each) => !sameSecret(each, hash));
  const isRecovered = recovery.length < factor.recovery.length;
  if (step === undefined && !isRecovered) {
    addFailure(deps, app, transaction, {
      lockout,
      event: { kind: "factor-failed", subject: person.id, caller },
    });
    return undefined;
  }
  const factorAt = Timestamp.fromMillis(now);
  transaction.update(ref, step === undefined ? { recovery } : { lastStep: step });
  transaction.update(sessionRef(app, sessionId), { factorAt });
  clearFailures(deps, transaction, lockout);
  addSecurityEvent(deps, transaction, securityEventsOf(app), {
    event: {
      kind: step === undefined ? "recovery-code-used" : "factor-proved",
      actor: person.id,
      subject: person.id,
      caller,
    },
  });
  return { session: { ...session, factorAt }, user };
}
