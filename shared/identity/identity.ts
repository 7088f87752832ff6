import { AppError } from "../platform/errors.ts";
import type { Transaction } from "../platform/firestore.ts";
import { addressHash } from "./address.ts";
import type { AdmissionDeps } from "./admission.ts";
import type { App } from "./app.ts";
import type { Mapped } from "./map-claims.ts";
import { admittance, type FoundPerson, personOf } from "./person-of.ts";
import { identityRef, storedIdentity, storedUser, userRef } from "./store.ts";

/** The account of an issuer's subject. */
export interface BoundPerson {
  readonly found: FoundPerson;
  /** Keyed hash of issuer and subject, which names the binding. */
  readonly identity: string;
  readonly address: string;
  /** Whether the binding has to be made: their first time. */
  readonly isFirst: boolean;
}

/**
 * Whose account an issuer's subject is. Once bound, the address there no longer matters: it may have changed,
 * or been given to somebody else. At the first time it is the account that has the address, if the provider
 * vouches for it and no other subject of the issuer is bound to it. Undefined without such an address. 2 or 3
 * reads.
 * @throws AppError `conflict` when another subject is, `not_admitted`
 */
export async function boundPerson(
  deps: AdmissionDeps,
  app: App,
  transaction: Transaction,
  {
    mapped: { issuer, tenant = "", subject, email, name },
    invitation,
  }: { readonly mapped: Mapped; readonly invitation: string | undefined },
): Promise<BoundPerson | undefined> {
  const identity = deps.keys.mac("identity", app.id, issuer, tenant, subject);
  const known = storedIdentity(await transaction.get(identityRef(app, identity)));
  if (known !== undefined) {
    const user = storedUser(await transaction.get(userRef(app, known.user)));
    if (user === undefined) return undefined;
    const address = addressHash(deps.keys, app, user.email);
    const newcomer = { userId: known.user, known: user, address, email: user.email, invitation };
    const admitted = await admittance(deps, app, transaction, newcomer);
    const found = { userId: known.user, user: admitted(user), isNew: false };
    return { found, identity, address, isFirst: false };
  }
  if (email === undefined) return undefined;
  const address = addressHash(deps.keys, app, email);
  const found = await personOf(deps, app, transaction, { address, email, name, invitation });
  const { bindings = {} } = found.user;
  const from = deps.keys.mac("issuer", app.id, issuer, tenant);
  if (Object.hasOwn(bindings, from)) {
    throw new AppError(
      "conflict",
      "The address belongs to an account that another sign-in of this provider is bound to.",
    );
  }
  const user = { ...found.user, bindings: { ...bindings, [from]: identity } };
  return { found: { ...found, user }, identity, address, isFirst: true };
}
