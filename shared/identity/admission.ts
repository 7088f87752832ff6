import type { Deps } from "../platform/deps.ts";
import { AppError } from "../platform/errors.ts";
import type { Transaction } from "../platform/firestore.ts";
import { FieldValue } from "../platform/firestore-values.ts";
import { within } from "../platform/within.ts";
import type { App } from "./app.ts";
import type { AppDirectory } from "./app-directory.ts";
import type { Registration, Role } from "./contract.ts";
import { findInvitation } from "./invitation.ts";
import { addReopening } from "./revocation.ts";
import { addressRef, type StoredUser, TRANSACTION_MS_MAX, userRef } from "./store.ts";

export type AdmissionDeps = Deps & { readonly apps: AppDirectory };

const notAdmitted = (): AppError =>
  new AppError("not_admitted", "This app does not let this person in without an invitation.");

/** Who wants to come in. */
export interface Newcomer {
  readonly userId: string;
  /** Undefined for whoever was never here. */
  readonly known: StoredUser | undefined;
  readonly address: string;
  readonly email: string;
  /** Of the code that they brought. */
  readonly invitation: string | undefined;
}

/**
 * The one place that decides who may come in: whoever is here already unless they are disabled, and newcomers
 * by the app's registration. Returns the role of whoever comes by invitation, which is used up with it. No
 * Firestore operation for people who are here and for newcomers of apps that are open; otherwise that of
 * findInvitation. Reads come before any write of the transaction.
 * @throws AppError `not_admitted`
 */
export async function admit(
  deps: AdmissionDeps,
  app: App,
  transaction: Transaction,
  { userId, known, address, email, invitation }: Newcomer,
): Promise<Role | undefined> {
  if (known?.status === "disabled") throw notAdmitted();
  if (known !== undefined && known.status === undefined) return undefined;
  const { registration } = await deps.apps.settingsOf(app);
  const isOpen = known === undefined && isOpenTo(registration, email);
  if (isOpen && invitation === undefined) return undefined;
  const found = await findInvitation(deps, app, transaction, {
    id: invitation,
    address,
    personId: undefined,
  });
  if (found === undefined) {
    if (isOpen) return undefined;
    throw notAdmitted();
  }
  found.use(userId);
  if (known !== undefined) {
    transaction.update(userRef(app, userId), { status: FieldValue.delete(), role: found.role });
    addReopening(deps.firestore, transaction, userId);
  }
  return found.role;
}

const isOpenTo = ({ mode, domains }: Registration, email: string): boolean =>
  mode === "open" ||
  (mode === "domains" && domains.some((domain) => hostOf(domain) === hostOf(domainOf(email))));

const domainOf = (email: string): string => email.slice(email.lastIndexOf("@") + 1);

/** In the form in which names of hosts are compared: in lower case, other letters as IDNA has them. */
const hostOf = (domain: string): string | undefined =>
  URL.canParse(`https://${domain}`) ? new URL(`https://${domain}`).hostname : undefined;

/**
 * Whether a code may be mailed to the address: where an app is open, to all. Elsewhere it costs the same
 * reads for every address, so that the time it takes tells nothing: 2, and 2 for an invitation.
 */
export async function mayBeMailed(
  deps: AdmissionDeps,
  app: App,
  {
    email,
    address,
    invitation,
  }: { readonly email: string; readonly address: string; readonly invitation: string | undefined },
): Promise<boolean> {
  const { registration } = await deps.apps.settingsOf(app);
  if (isOpenTo(registration, email)) return true;
  return within(
    TRANSACTION_MS_MAX,
    deps.firestore.runTransaction(
      async (transaction) => {
        const known = await transaction.get(addressRef(app, address));
        const newcomer = { id: invitation, address, personId: undefined };
        const found = await findInvitation(deps, app, transaction, newcomer);
        return known.exists || found !== undefined;
      },
      { readOnly: true },
    ),
  );
}
