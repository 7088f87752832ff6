import type { Deps } from "../platform/deps.ts";
import { AppError } from "../platform/errors.ts";
import { within } from "../platform/within.ts";
import { addressHash } from "./address.ts";
import type { App } from "./app.ts";
import type { Caller } from "./caller.ts";
import type { User } from "./contract.ts";
import { findInvitation, invitationOfCode } from "./invitation.ts";
import { covers } from "./permissions.ts";
import type { Principal } from "./principal.ts";
import { addRoleChange } from "./role-change.ts";
import { storedUser, TRANSACTION_MS_MAX, userRef } from "./store.ts";
import { userView } from "./user-view.ts";

const noSuchInvitation = (): AppError => new AppError("not_found", "There is no such invitation.");

/**
 * Gives somebody who is signed in the role that they are invited to, where it is above theirs; access tokens
 * with the old one end. An invitation never takes anything away. Idempotent. One transaction: 3 reads, 2 to 5
 * writes. Who is not in the app yet brings the code to the sign-in instead.
 * @throws AppError `not_found` for a code that is not good, or not for them
 */
export async function acceptInvitation(
  deps: Deps,
  app: App,
  person: Principal,
  { code, caller }: { readonly code: string; readonly caller: Caller },
): Promise<User> {
  const id = invitationOfCode(deps, app, code);
  if (id === undefined) throw noSuchInvitation();
  return within(
    TRANSACTION_MS_MAX,
    deps.firestore.runTransaction(async (transaction) => {
      const ref = userRef(app, person.id);
      const user = storedUser(await transaction.get(ref));
      if (user === undefined || user.status !== undefined) throw noSuchInvitation();
      const address = user.email === "" ? undefined : addressHash(deps.keys, app, user.email);
      const found = await findInvitation(deps, app, transaction, { id, address, personId: person.id });
      if (found === undefined) throw noSuchInvitation();
      if (found.isUsed) return userView(person.id, user, true);
      found.use(person.id);
      if (covers({ role: user.role }, found.role)) return userView(person.id, user, true);
      transaction.update(ref, { role: found.role });
      addRoleChange(deps, app, transaction, {
        userId: person.id,
        from: user.role,
        to: found.role,
        actor: person.id,
        by: "invitation",
        caller,
      });
      return userView(person.id, { ...user, role: found.role }, true);
    }),
  );
}
