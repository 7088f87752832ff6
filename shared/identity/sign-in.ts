import { Timestamp } from "../platform/firestore-values.ts";
import type { Transaction } from "../platform/firestore.ts";
import { randomId } from "../platform/ids.ts";
import { sameSecret } from "../platform/keys.ts";
import { addRequest, type RequestRecord, requestRecord, resultOf } from "../platform/request-record.ts";
import { within } from "../platform/within.ts";
import type { App } from "./app.ts";
import type { Caller } from "./caller.ts";
import type { Session } from "./contract.ts";
import { newDeviceToken } from "./device-token.ts";
import { type IdentityDeps, issueSession } from "./issue-session.ts";
import { addSession, newSession } from "./new-session.ts";
import { addPerson, personOf } from "./person-of.ts";
import { demandStanding } from "./session-standing.ts";
import { codeHashOf } from "./sign-in-code.ts";
import { type StoredSession, type StoredUser, TRANSACTION_MS_MAX } from "./store.ts";
import { takeCode, wrongCode } from "./take-code.ts";
import { foldCode } from "./typed-code.ts";

interface SignIn {
  readonly challenge: string;
  readonly code: string;
  readonly caller: Caller;
  readonly requestKey: string | undefined;
}

/** What a key has led to. The hash of the code is kept as the challenge is gone by then. */
interface SignInResult {
  readonly sessionId: string;
  readonly address: string;
  readonly codeHash: string;
}

interface SignedIn {
  readonly result: SignInResult;
  /** Undefined for a repeated request: then the session is read, and may have ended. */
  readonly fresh: { readonly session: StoredSession; readonly user: StoredUser } | undefined;
}

/**
 * Signs a person in with a mailed code and creates their user at the first time. A code works once; with an
 * Idempotency-Key the same request gets the same session again, as long as that stands. Wrong codes are
 * counted by challenge, by who asked for it, and by address. One transaction: 4 or 5 reads, 4 to 10 writes.
 * @throws AppError `code_invalid`, whatever is wrong with challenge, code or address; `session_ended` when
 * the session of a repeated request has; `not_admitted`, `idempotency_key_reused`,
 * `unavailable`
 */
export async function createSession(deps: IdentityDeps, app: App, signIn: SignIn): Promise<Session> {
  const { challenge, requestKey } = signIn;
  const record = requestRecord(deps, app.collection("requests"), ["sign-in", app.id, requestKey], {
    challenge,
  });
  const sessionId = randomId();
  const attempt = { ...signIn, code: foldCode(signIn.code), sessionId, record };
  const signedIn = await within(
    TRANSACTION_MS_MAX,
    deps.firestore.runTransaction((transaction) => signInOnce(deps, app, transaction, attempt)),
  );
  if (signedIn === undefined) throw wrongCode();
  const { result, fresh } = signedIn;
  const standing = fresh ?? (await demandStanding(deps, app, result.sessionId));
  const deviceToken = newDeviceToken(deps, app, result.address);
  return { ...(await issueSession(deps, app, result.sessionId, standing)), deviceToken };
}

/** Undefined when the sign-in fails. */
async function signInOnce(
  deps: IdentityDeps,
  app: App,
  transaction: Transaction,
  attempt: SignIn & { readonly sessionId: string; readonly record: RequestRecord | undefined },
): Promise<SignedIn | undefined> {
  const { challenge, code, caller, sessionId, record } = attempt;
  const codeHash = codeHashOf(deps, app, challenge, code);
  if (record !== undefined) {
    const found = await transaction.get(record.ref);
    const result = resultOf<SignInResult>(deps, record, found);
    if (result !== undefined) {
      if (found.get("isVoid") === true) return undefined;
      if (sameSecret(result.codeHash, codeHash)) return { result, fresh: undefined };
      // Whoever repeats with another code is guessing: the key answers nobody any more.
      transaction.update(record.ref, { isVoid: true });
      return undefined;
    }
  }
  const taken = await takeCode(deps, app, transaction, { challenge, code, caller, end: sessionId });
  if (taken === undefined) return undefined;
  const { address, email } = taken;
  const result = { sessionId, address, codeHash };
  // The commit was applied although it seemed to fail, and the transaction is run again.
  if (taken.isRepeated) return { result, fresh: undefined };
  const found = await personOf(deps, app, transaction, { address, email, invitation: taken.invitation });
  const at = Timestamp.fromMillis(deps.clock.now());
  const user = { ...found.user, lastSeenAt: at };
  const session = newSession(found.userId, caller.userAgent, at);
  taken.spend();
  addPerson(app, transaction, { ...found, user }, address);
  addSession(deps, app, transaction, { sessionId, session, caller, method: "code" });
  if (record !== undefined) addRequest(deps, transaction, record, result);
  return { result, fresh: { session, user } };
}
