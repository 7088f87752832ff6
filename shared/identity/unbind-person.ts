import type { Deps } from "../platform/deps.ts";
import { AppError } from "../platform/errors.ts";
import { FieldValue, Timestamp } from "../platform/firestore-values.ts";
import { within } from "../platform/within.ts";
import type { App } from "./app.ts";
import type { Caller } from "./caller.ts";
import { covers } from "./permissions.ts";
import type { Principal } from "./principal.ts";
import { addRevocation } from "./revocation.ts";
import { accessTokensEndMs } from "./revoke.ts";
import { addSecurityEvent, securityEventsOf } from "./security-event.ts";
import { identityRef, isPresent, storedUser, TRANSACTION_MS_MAX, userRef } from "./store.ts";

/**
 * Takes an account away from the identity providers' subjects that it is bound to: whoever has its address
 * there next is bound to it anew. All sessions of the person end, since nobody knows any more whose they are.
 * Idempotent. One transaction: 1 read, 3 writes and a delete for each provider; 1 read for who is bound to
 * none.
 * @throws AppError `not_found`, `forbidden` for those above the caller
 */
export async function unbindPerson(
  deps: Deps,
  app: App,
  by: Principal,
  { userId, caller }: { readonly userId: string; readonly caller: Caller },
): Promise<void> {
  await within(
    TRANSACTION_MS_MAX,
    deps.firestore.runTransaction(async (transaction) => {
      const ref = userRef(app, userId);
      const user = storedUser(await transaction.get(ref));
      if (!isPresent(user)) throw new AppError("not_found", "There is no such user.");
      if (!covers(by, user.role)) throw new AppError("forbidden", "Nobody unbinds those above them.");
      const identities = Object.values(user.bindings ?? {});
      if (identities.length === 0) return;
      const now = deps.clock.now();
      for (const identity of identities) transaction.delete(identityRef(app, identity));
      transaction.update(ref, {
        bindings: FieldValue.delete(),
        sessionsValidAfter: Timestamp.fromMillis(now),
      });
      addRevocation(deps.firestore, transaction, {
        scope: "user",
        id: userId,
        ends: "sessions",
        beforeMs: now,
        expireMs: accessTokensEndMs(now),
      });
      addSecurityEvent(deps, transaction, securityEventsOf(app), {
        event: {
          kind: "identity-unlinked",
          actor: by.id,
          subject: userId,
          caller,
          details: { providers: identities.length },
        },
      });
    }),
  );
}
