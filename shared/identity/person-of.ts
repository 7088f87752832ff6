import type { Transaction } from "../platform/firestore.ts";
import { Timestamp } from "../platform/firestore-values.ts";
import { randomId } from "../platform/ids.ts";
import { nameKeysOf } from "../words/name-keys.ts";
import { type AdmissionDeps, admit, type Newcomer } from "./admission.ts";
import type { App } from "./app.ts";
import { addressRef, type StoredUser, storedUser, userRef } from "./store.ts";

/** An account as a sign-in finds it, or as it is to be created. */
export interface FoundPerson {
  readonly userId: string;
  readonly user: StoredUser;
  readonly isNew: boolean;
}

/**
 * Whose account an address is: the one there is, or a new one, if they are admitted. This is the one place
 * where accounts come from; `addPerson` writes what it returns, in the same transaction. 1 or 2 reads, and
 * what admission costs.
 * @throws AppError `not_admitted`
 */
export async function personOf(
  deps: AdmissionDeps,
  app: App,
  transaction: Transaction,
  {
    address,
    email,
    name,
    invitation,
  }: {
    readonly address: string;
    readonly email: string;
    readonly name?: string | undefined;
    /** Of the code that they brought. */
    readonly invitation: string | undefined;
  },
): Promise<FoundPerson> {
  const known = await transaction.get(addressRef(app, address));
  const userId = known.exists ? String(known.get("user")) : randomId();
  const existing = known.exists ? await transaction.get(userRef(app, userId)) : undefined;
  const user = storedUser(existing);
  const newcomer = { userId, known: user, address, email, invitation };
  const admitted = await admittance(deps, app, transaction, newcomer);
  return {
    userId,
    user: admitted(user ?? newUser(email, name, Timestamp.fromMillis(deps.clock.now()))),
    isNew: !known.exists,
  };
}

/**
 * What admission makes of an account: whoever comes by invitation has its role, and has not left any more.
 * @throws AppError `not_admitted`
 */
export async function admittance(
  deps: AdmissionDeps,
  app: App,
  transaction: Transaction,
  newcomer: Newcomer,
): Promise<(user: StoredUser) => StoredUser> {
  const role = await admit(deps, app, transaction, newcomer);
  return ({ status: _left, ...user }) => ({ ...user, role: role ?? user.role });
}

/** Creates the account, or records that the person was seen. 2 writes, or 1. */
export function addPerson(
  app: App,
  transaction: Transaction,
  { userId, user, isNew }: FoundPerson,
  address: string,
): void {
  if (isNew) {
    transaction.create(addressRef(app, address), { user: userId });
    transaction.create(userRef(app, userId), { ...user });
    return;
  }
  const { lastSeenAt, role, bindings } = user;
  transaction.update(userRef(app, userId), {
    lastSeenAt,
    role,
    ...(bindings === undefined ? {} : { bindings }),
  });
}

/** A member as an account begins; without an address for people who have none. */
export function newUser(email: string, given: string | undefined, at: Timestamp): StoredUser {
  const name = given ?? email.slice(0, email.lastIndexOf("@"));
  return {
    email,
    name,
    role: "member",
    avatarUrl: null,
    language: "en",
    timeZone: "Etc/UTC",
    createdAt: at,
    lastSeenAt: at,
    nameKeys: nameKeysOf(name),
    emailKeys: nameKeysOf(email),
  };
}
