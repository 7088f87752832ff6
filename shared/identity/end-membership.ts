import type { Deps } from "../platform/deps.ts";
import { AppError } from "../platform/errors.ts";
import type { DocumentReference, Transaction } from "../platform/firestore.ts";
import { FieldValue, Timestamp } from "../platform/firestore-values.ts";
import { within } from "../platform/within.ts";
import type { App } from "./app.ts";
import type { Caller } from "./caller.ts";
import { covers } from "./permissions.ts";
import type { Principal } from "./principal.ts";
import { addClosing, addReopening } from "./revocation.ts";
import { accessTokensEndMs } from "./revoke.ts";
import { addSecurityEvent, securityEventsOf } from "./security-event.ts";
import {
  endOpenSessions,
  endWhatTheyMade,
  type StoredUser,
  storedUser,
  TRANSACTION_MS_MAX,
  userRef,
} from "./store.ts";

const OWNERS_READ_MAX = 50;

/**
 * An app keeps an owner who can sign in: two who leave at once read the same owners, so one of them is tried
 * again. A read for each owner, at most OWNERS_READ_MAX.
 * @throws AppError `conflict` for the last one
 */
export async function demandAnotherOwner(transaction: Transaction, app: App, userId: string): Promise<void> {
  const query = app.collection("users").where("role", "==", "owner").limit(OWNERS_READ_MAX);
  const owners = (await transaction.get(query)).docs;
  if (!owners.some((owner) => owner.id !== userId && storedUser(owner).status === undefined)) {
    throw new AppError("conflict", "An app keeps at least one owner.");
  }
}

interface Ending {
  readonly userId: string;
  readonly caller: Caller;
}

const noSuchUser = (): AppError => new AppError("not_found", "There is no such user.");

/**
 * Refuses a person everywhere: access tokens, tickets and API tokens of theirs end on every instance within
 * seconds, and sessions are refreshed no more, nor begun. Idempotent. One transaction: 1 read and the owners
 * where it is one, 3 writes.
 * @throws AppError `not_found`, `forbidden` for those above the caller, `conflict` for the last owner
 */
export async function disablePerson(deps: Deps, app: App, by: Principal, ending: Ending): Promise<void> {
  await changeStanding(deps, app, by, ending, async ({ transaction, ref, user }) => {
    if (user.status === "removed") throw noSuchUser();
    if (user.status === "disabled") return;
    if (user.role === "owner") await demandAnotherOwner(transaction, app, ending.userId);
    transaction.update(ref, { status: "disabled" });
    addClosing(deps.firestore, transaction, ending.userId, accessTokensEndMs(deps.clock.now()));
    record(deps, app, transaction, by, { ...ending, kind: "user-disabled" });
  });
}

/**
 * Lets a person in again, with the sessions they had. Idempotent. One transaction: 1 read, 2 writes, 1
 * delete.
 * @throws AppError `not_found`, `forbidden` for those above the caller
 */
export async function enablePerson(deps: Deps, app: App, by: Principal, ending: Ending): Promise<void> {
  await changeStanding(deps, app, by, ending, async ({ transaction, ref, user }) => {
    if (user.status === "removed") throw noSuchUser();
    if (user.status === undefined) return;
    transaction.update(ref, { status: FieldValue.delete() });
    addReopening(deps.firestore, transaction, ending.userId);
    record(deps, app, transaction, by, { ...ending, kind: "user-enabled" });
  });
}

/**
 * Ends a person's membership of the app: as disabling, and their sessions, API tokens and invitations end for
 * good. What they wrote stays with their id; they come back only by invitation. One transaction: 1 read and
 * the owners where it is one, 3 writes; then 4 queries and a write for each session, token, invitation and
 * scheduled message.
 * Idempotent.
 * @throws AppError `not_found`, `forbidden` for those above the caller, `conflict` for the last owner
 */
export async function removePerson(deps: Deps, app: App, by: Principal, ending: Ending): Promise<void> {
  await changeStanding(deps, app, by, ending, async ({ transaction, ref, user }) => {
    if (user.status === "removed") return;
    if (user.role === "owner") await demandAnotherOwner(transaction, app, ending.userId);
    const now = deps.clock.now();
    const at = Timestamp.fromMillis(now);
    transaction.update(ref, { status: "removed", removedAt: at, sessionsValidAfter: at });
    addClosing(deps.firestore, transaction, ending.userId, accessTokensEndMs(now));
    record(deps, app, transaction, by, { ...ending, kind: "user-removed" });
  });
  // The marks at the user have ended all of these already; this only tidies up.
  await Promise.all([
    endOpenSessions(deps.firestore, app, ending.userId),
    endWhatTheyMade(deps.firestore, app, ending.userId),
  ]);
}

interface Standing {
  readonly transaction: Transaction;
  readonly ref: DocumentReference;
  readonly user: StoredUser;
}

async function changeStanding(
  deps: Deps,
  app: App,
  by: Principal,
  { userId }: Ending,
  change: (standing: Standing) => Promise<void>,
): Promise<void> {
  await within(
    TRANSACTION_MS_MAX,
    deps.firestore.runTransaction(async (transaction) => {
      const ref = userRef(app, userId);
      const user = storedUser(await transaction.get(ref));
      if (user === undefined) throw noSuchUser();
      if (!covers(by, user.role)) {
        throw new AppError("forbidden", "Nobody ends the membership of those above them.");
      }
      await change({ transaction, ref, user });
    }),
  );
}

function record(
  deps: Deps,
  app: App,
  transaction: Transaction,
  by: Principal,
  { kind, userId, caller }: Ending & { readonly kind: "user-disabled" | "user-enabled" | "user-removed" },
): void {
  addSecurityEvent(deps, transaction, securityEventsOf(app), {
    event: { kind, actor: by.id, subject: userId, caller },
  });
}
