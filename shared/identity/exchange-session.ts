import { AppError } from "../platform/errors.ts";
import type { Transaction } from "../platform/firestore.ts";
import { Timestamp } from "../platform/firestore-values.ts";
import { randomId } from "../platform/ids.ts";
import { addRequest, type RequestRecord, requestRecord, resultOf } from "../platform/request-record.ts";
import { within } from "../platform/within.ts";
import { addressHash } from "./address.ts";
import type { App } from "./app.ts";
import type { Caller } from "./caller.ts";
import type { AppSettings, Session } from "./contract.ts";
import { newDeviceToken } from "./device-token.ts";
import { type BoundPerson, boundPerson } from "./identity.ts";
import { type IdentityDeps, issueSession } from "./issue-session.ts";
import { type Mapped, mapClaims } from "./map-claims.ts";
import { addSession, newSession } from "./new-session.ts";
import { addPerson } from "./person-of.ts";
import { addRoleChange } from "./role-change.ts";
import { addSecurityEvent, securityEventsOf } from "./security-event.ts";
import { demandStanding, type StandingSession } from "./session-standing.ts";
import { type Federated, identityRef, sessionRef, TRANSACTION_MS_MAX } from "./store.ts";

const invalid = (): AppError => new AppError("token_invalid", "The identity token is not valid here.");

interface Exchanged {
  readonly sessionId: string;
  /** Undefined for a repeated request: then the session is read, and may have ended. */
  readonly fresh: StandingSession | undefined;
}

/**
 * Exchanges an ID token of Identity Platform for a session of ours. The account is the one that issuer and
 * subject are bound to; at their first time, the one that has the address which the provider vouches for, or
 * a new one. The claims become a profile by the app's mapping; where it maps roles, the provider's word
 * counts at each exchange, and tokens with another role end; an owner stays one. Idempotent under
 * `requestKey`, as long as the session stands. One call there, one transaction: 2 to 4 reads, 3 to 8 writes.
 * @throws AppError `token_invalid`, `conflict` when the address belongs to an account that is bound to
 * another subject, `session_ended` when the session of a repeated request has, `idempotency_key_reused`,
 * `not_admitted`, `unavailable`
 */
export async function exchangeSession(
  deps: IdentityDeps,
  app: App,
  settings: AppSettings,
  exchange: {
    readonly idToken: string;
    readonly invitation: string | undefined;
    readonly requestKey: string | undefined;
    readonly caller: Caller;
  },
): Promise<Session> {
  const claims = await deps.identityPlatform.verify(exchange.idToken);
  const mapped = claims === undefined ? undefined : mapClaims(claims, settings.claims);
  if (mapped === undefined) throw invalid();
  const { requestKey, caller } = exchange;
  const { issuer, tenant, subject } = mapped;
  // An SDK renews ID tokens by itself, so a repetition may bring another of the same person.
  const record = requestRecord(deps, app.collection("requests"), ["exchange", app.id, requestKey], {
    issuer,
    tenant,
    subject,
  });
  const sessionId = randomId();
  let runs = 0;
  const { sessionId: id, fresh } = await within(
    TRANSACTION_MS_MAX,
    deps.firestore.runTransaction(async (transaction) => {
      runs += 1;
      // It is run again also when its commit was applied and only seemed to fail.
      const isMade = runs > 1 && (await transaction.get(sessionRef(app, sessionId))).exists;
      if (isMade) return { sessionId, fresh: undefined };
      const { invitation } = exchange;
      return exchangeOnce(deps, app, transaction, { mapped, invitation, record, sessionId, caller });
    }),
  );
  const standing = fresh ?? (await demandStanding(deps, app, id));
  const deviceToken = newDeviceToken(deps, app, addressHash(deps.keys, app, standing.user.email));
  return { ...(await issueSession(deps, app, id, standing)), deviceToken };
}

async function exchangeOnce(
  deps: IdentityDeps,
  app: App,
  transaction: Transaction,
  {
    mapped,
    invitation,
    record,
    sessionId,
    caller,
  }: {
    readonly mapped: Mapped;
    readonly invitation: string | undefined;
    readonly record: RequestRecord | undefined;
    readonly sessionId: string;
    readonly caller: Caller;
  },
): Promise<Exchanged> {
  if (record !== undefined) {
    const before = resultOf<{ sessionId: string }>(deps, record, await transaction.get(record.ref));
    if (before !== undefined) return { ...before, fresh: undefined };
  }
  const bound = await boundPerson(deps, app, transaction, { mapped, invitation });
  if (bound === undefined) throw invalid();
  const { found } = bound;
  const at = Timestamp.fromMillis(deps.clock.now());
  const role = found.user.role === "owner" ? "owner" : (mapped.role ?? found.user.role);
  const user = { ...found.user, role, lastSeenAt: at };
  const session = { ...newSession(found.userId, caller.userAgent, at), federated: federatedOf(mapped) };
  addPerson(app, transaction, { ...found, user }, bound.address);
  if (bound.isFirst) addBinding(deps, app, transaction, { bound, caller, at });
  if (!found.isNew && role !== found.user.role) {
    addRoleChange(deps, app, transaction, {
      userId: found.userId,
      from: found.user.role,
      to: role,
      by: "identity provider",
      caller,
      // What this exchange itself gives may be issued in this very millisecond.
      tokensBeforeMs: deps.clock.now() - 1,
    });
  }
  addSession(deps, app, transaction, { sessionId, session, caller, method: "exchange" });
  if (record !== undefined) addRequest(deps, transaction, record, { sessionId });
  return { sessionId, fresh: { session, user } };
}

const federatedOf = ({ subject, tenant, signedInMs }: Mapped): Federated => ({
  uid: subject,
  ...(tenant === undefined ? {} : { tenant }),
  signedInAt: Timestamp.fromMillis(signedInMs),
});

function addBinding(
  deps: IdentityDeps,
  app: App,
  transaction: Transaction,
  { bound, caller, at }: { readonly bound: BoundPerson; readonly caller: Caller; readonly at: Timestamp },
): void {
  const { userId } = bound.found;
  transaction.create(identityRef(app, bound.identity), { user: userId, createdAt: at });
  addSecurityEvent(deps, transaction, securityEventsOf(app), {
    event: { kind: "identity-linked", actor: userId, subject: userId, caller },
  });
}
