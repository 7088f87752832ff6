import type { Deps } from "../platform/deps.ts";
import { AppError } from "../platform/errors.ts";
import { within } from "../platform/within.ts";
import type { App } from "./app.ts";
import type { Caller } from "./caller.ts";
import type { Role, User } from "./contract.ts";
import { covers } from "./permissions.ts";
import { demandAnotherOwner } from "./end-membership.ts";
import type { Principal } from "./principal.ts";
import { addRoleChange } from "./role-change.ts";
import { TRANSACTION_MS_MAX, userRef, storedUser } from "./store.ts";
import { userView } from "./user-view.ts";

/**
 * Gives a person another role. The access tokens with the old one end everywhere within seconds; a
 * refresh gives one with the new. The last owner of an app stays its owner. One transaction: 1 read and the
 * owners where it is one, 3 writes.
 * @throws AppError `not_found`, `forbidden`, `conflict` for the last owner
 */
export async function changeRole(
  deps: Deps,
  app: App,
  by: Principal,
  { userId, role, caller }: { readonly userId: string; readonly role: Role; readonly caller: Caller },
): Promise<User> {
  return within(
    TRANSACTION_MS_MAX,
    deps.firestore.runTransaction(async (transaction) => {
      const ref = userRef(app, userId);
      const user = storedUser(await transaction.get(ref));
      if (user === undefined || user.status === "removed")
        throw new AppError("not_found", "There is no such user.");
      if (!covers(by, user.role) || !covers(by, role)) {
        throw new AppError("forbidden", "Nobody gives or takes a role above their own.");
      }
      if (user.role === role) return userView(userId, user, true);
      if (user.role === "owner") {
        await demandAnotherOwner(transaction, app, userId);
      }
      transaction.update(ref, { role });
      addRoleChange(deps, app, transaction, {
        userId,
        from: user.role,
        to: role,
        actor: by.id,
        caller,
      });
      return userView(userId, { ...user, role }, true);
    }),
  );
}
