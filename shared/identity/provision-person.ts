import type { Deps } from "../platform/deps.ts";
import { AppError } from "../platform/errors.ts";
import type { DocumentReference, Transaction } from "../platform/firestore.ts";
import { Timestamp } from "../platform/firestore-values.ts";
import { derivedId, randomId } from "../platform/ids.ts";
import { addRequest, resultOf } from "../platform/request-record.ts";
import { within } from "../platform/within.ts";
import { addressHash, demandAddress } from "./address.ts";
import type { App } from "./app.ts";
import { type Caller, networkOf } from "./caller.ts";
import type { NewUser, Session, User } from "./contract.ts";
import { type IdentityDeps, issueSession } from "./issue-session.ts";
import { ownRecord } from "./own-request.ts";
import { covers } from "./permissions.ts";
import type { Principal } from "./principal.ts";
import { demandStanding } from "./session-standing.ts";
import { addSecurityEvent, securityEventsOf } from "./security-event.ts";
import { newSession } from "./new-session.ts";
import { newUser } from "./person-of.ts";
import {
  addressRef,
  isPresent,
  sessionRef,
  type StoredUser,
  storedUser,
  TRANSACTION_MS_MAX,
  userRef,
} from "./store.ts";
import { userView } from "./user-view.ts";

/** Says which user the app's own server means by a name; named by it. */
const externalRef = (app: App, externalId: string): DocumentReference =>
  app.collection("externals").doc(derivedId("external", app.id, externalId));

/**
 * A user for somebody whom the app's own server knows: found by the server's name for them, else by address,
 * else created, whatever the app's registration says. Found ones stay as they are, but that an address is
 * known under a name from then on. Idempotent by what they are found by. One transaction: at most 3 reads, 4
 * writes.
 * @throws AppError `forbidden` for a role above the caller's, or one found who is above them; `conflict` for
 * an address that the server knows under another name, or somebody who was removed
 */
export async function provisionPerson(
  deps: Deps,
  app: App,
  by: Principal,
  { draft: wanted, caller }: { readonly draft: NewUser; readonly caller: Caller },
): Promise<{ user: User; isNew: boolean }> {
  const draft = wanted.email === undefined ? wanted : { ...wanted, email: demandAddress(wanted.email) };
  const role = draft.role ?? "member";
  if (!covers(by, role)) throw new AppError("forbidden", "Nobody gives a role above their own.");
  return within(
    TRANSACTION_MS_MAX,
    deps.firestore.runTransaction(async (transaction) => {
      const { externalId, email } = draft;
      const found = await findPerson(deps, app, transaction, draft);
      if (found !== undefined) {
        if (!isPresent(found.user)) throw new AppError("conflict", "This person has been removed.");
        if (!covers(by, found.user.role)) {
          throw new AppError("forbidden", "This person has rights that the caller has not.");
        }
        if (externalId !== undefined && !found.isNamed) {
          if (found.user.externalId !== undefined) {
            throw new AppError("conflict", "This address is known under another externalId.");
          }
          transaction.create(externalRef(app, externalId), { user: found.id });
          transaction.update(userRef(app, found.id), { externalId });
        }
        const user = externalId === undefined ? found.user : { ...found.user, externalId };
        return { user: view(found.id, user), isNew: false };
      }
      const id = randomId();
      const at = Timestamp.fromMillis(deps.clock.now());
      const user: StoredUser = {
        ...newUser(email ?? "", draft.name ?? (email === undefined ? "Member" : undefined), at),
        role,
        ...(externalId === undefined ? {} : { externalId }),
      };
      transaction.create(userRef(app, id), { ...user });
      if (externalId !== undefined) transaction.create(externalRef(app, externalId), { user: id });
      if (email !== undefined)
        transaction.create(addressRef(app, addressHash(deps.keys, app, email)), { user: id });
      addSecurityEvent(deps, transaction, securityEventsOf(app), {
        event: { kind: "user-created", actor: by.id, subject: id, caller, details: { role } },
      });
      return { user: view(id, user), isNew: true };
    }),
  );
}

const view = (id: string, stored: StoredUser): User => ({
  ...userView(id, stored, true),
  ...(stored.externalId === undefined ? {} : { externalId: stored.externalId }),
});

interface Found {
  readonly id: string;
  readonly user: StoredUser | undefined;
  /** By the server's own name for them. */
  readonly isNamed: boolean;
}

async function findPerson(
  deps: Pick<Deps, "keys">,
  app: App,
  transaction: Transaction,
  { externalId, email }: NewUser,
): Promise<Found | undefined> {
  const refs = [
    ...(externalId === undefined ? [] : [externalRef(app, externalId)]),
    ...(email === undefined ? [] : [addressRef(app, addressHash(deps.keys, app, email))]),
  ];
  for (const [index, known] of (await transaction.getAll(...refs)).entries()) {
    if (!known.exists) continue;
    const id = String(known.get("user"));
    const user = storedUser(await transaction.get(userRef(app, id)));
    return { id, user, isNamed: externalId !== undefined && index === 0 };
  }
  return undefined;
}

/**
 * A session of a person, given out by a server that knows them. Only for those whose role the caller covers:
 * what a session may do, its maker may do. Idempotent under `requestKey` for REQUEST_KEPT_MS, as long as the
 * session stands. One transaction: 2 or 3 reads, 2 or 3 writes.
 * @throws AppError `not_found`, `forbidden` for those above the caller, `not_admitted` for the disabled,
 * `session_ended`, `idempotency_key_reused`
 */
export async function createSessionFor(
  deps: IdentityDeps,
  app: App,
  by: Principal,
  {
    userId,
    requestKey,
    caller,
  }: { readonly userId: string; readonly requestKey: string | undefined; readonly caller: Caller },
): Promise<{ session: Session; replayed: boolean }> {
  const drawn = randomId();
  let runs = 0;
  const record = ownRecord(deps, app, by, { kind: "session-for", body: { user: userId }, requestKey });
  const made = await within(
    TRANSACTION_MS_MAX,
    deps.firestore.runTransaction(async (transaction) => {
      const user = storedUser(await transaction.get(userRef(app, userId)));
      if (!isPresent(user)) throw new AppError("not_found", "There is no such user.");
      if (!covers(by, user.role)) {
        throw new AppError("forbidden", "This person has rights that the caller has not.");
      }
      if (user.status === "disabled") throw new AppError("not_admitted", "This person is disabled.");
      if (record !== undefined) {
        const before = resultOf<{ id: string }>(deps, record, await transaction.get(record.ref));
        if (before !== undefined) return { ...before, fresh: undefined, replayed: true };
      }
      // It is run again also when its commit was applied and only seemed to fail.
      if ((runs += 1) > 1 && (await transaction.get(sessionRef(app, drawn))).exists) {
        return { id: drawn, fresh: undefined, replayed: false };
      }
      const at = Timestamp.fromMillis(deps.clock.now());
      const session = newSession(userId, caller.userAgent, at);
      transaction.create(sessionRef(app, drawn), { ...session, network: networkOf(caller.ip) });
      if (record !== undefined) addRequest(deps, transaction, record, { id: drawn });
      addSecurityEvent(deps, transaction, securityEventsOf(app), {
        event: { kind: "session-created", actor: by.id, subject: userId, caller },
      });
      return { id: drawn, fresh: { session, user }, replayed: false };
    }),
  );
  const { id, fresh, replayed } = made;
  const standing = fresh ?? (await demandStanding(deps, app, id));
  return { session: await issueSession(deps, app, id, standing), replayed };
}
