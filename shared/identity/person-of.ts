import type { Deps } from "../platform/deps.ts";
import type { Transaction } from "../platform/firestore.ts";
import { Timestamp } from "../platform/firestore-values.ts";
import { randomId } from "../platform/ids.ts";
import type { App } from "./app.ts";
import { addressRef, type StoredUser, storedUser, userRef } from "./store.ts";

/** An account as a sign-in finds it, or as it is to be created. */
export interface FoundPerson {
  readonly userId: string;
  readonly user: StoredUser;
  readonly isNew: boolean;
}

/**
 * Whose account an address is: the one there is, or a new one. This is the one place where accounts come
 * from; `addPerson` writes what it returns, in the same transaction. 1 or 2 reads.
 */
export async function personOf(
  deps: Deps,
  app: App,
  transaction: Transaction,
  {
    address,
    email,
    name,
  }: { readonly address: string; readonly email: string; readonly name?: string | undefined },
): Promise<FoundPerson> {
  const known = await transaction.get(addressRef(app, address));
  const userId = known.exists ? String(known.get("user")) : randomId();
  const existing = known.exists ? await transaction.get(userRef(app, userId)) : undefined;
  const user = storedUser(existing) ?? newUser(email, name, Timestamp.fromMillis(deps.clock.now()));
  return { userId, user, isNew: !known.exists };
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

const newUser = (email: string, name: string | undefined, at: Timestamp): StoredUser => ({
  email,
  name: name ?? email.slice(0, email.lastIndexOf("@")),
  role: "member",
  avatarUrl: null,
  language: "en",
  timeZone: "Etc/UTC",
  createdAt: at,
  lastSeenAt: at,
});
