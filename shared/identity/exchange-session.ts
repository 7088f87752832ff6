import { AppError } from "../platform/errors.ts";
import { Timestamp } from "../platform/firestore-values.ts";
import { derivedId, randomId } from "../platform/ids.ts";
import { within } from "../platform/within.ts";
import type { App } from "./app.ts";
import type { Caller } from "./caller.ts";
import type { AppSettings, Session } from "./contract.ts";
import { type IdentityDeps, issueSession } from "./issue-session.ts";
import { mapClaims } from "./map-claims.ts";
import { addSession, newSession, personOf } from "./sign-in.ts";
import {
  addressHash,
  addressRef,
  type StoredSession,
  type StoredUser,
  sessionRef,
  TRANSACTION_MS_MAX,
  userRef,
  storedSession,
} from "./store.ts";

/**
 * Exchanges an ID token of Identity Platform for a session of ours. The claims become a profile by the app's
 * mapping; where it maps roles, the provider's word counts at each exchange, but an owner stays one.
 * Idempotent under `requestKey`. One call there, one transaction: 2 or 3 reads, 3 or 4 writes.
 * @throws AppError `token_invalid`, `not_admitted`, `unavailable`
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
  if (mapped === undefined) throw new AppError("token_invalid", "The identity token is not valid here.");
  const { requestKey, caller } = exchange;
  const sessionId =
    requestKey === undefined ? randomId() : derivedId("exchange", app.id, mapped.uid, requestKey);
  const address = addressHash(deps.keys, app, mapped.email);
  const signedIn = await within(
    TRANSACTION_MS_MAX,
    deps.firestore.runTransaction(async (transaction) => {
      const kept = storedSession(await transaction.get(sessionRef(app, sessionId)));
      const found = await personOf(deps, app, transaction, {
        address,
        email: mapped.email,
        cause: sessionId,
        invitation: exchange.invitation,
      });
      if (kept !== undefined) return { session: kept, user: found.user };
      const at = Timestamp.fromMillis(deps.clock.now());
      const role = found.user.role === "owner" ? "owner" : (mapped.role ?? found.user.role);
      const user: StoredUser = { ...found.user, role, lastSeenAt: at };
      const session: StoredSession = {
        ...newSession(found.userId, caller.userAgent, at),
        federated: { uid: mapped.uid, signedInAt: Timestamp.fromMillis(mapped.signedInMs) },
      };
      if (found.isNew) {
        transaction.create(addressRef(app, address), { user: found.userId });
        transaction.create(userRef(app, found.userId), { ...user, name: mapped.name ?? user.name });
      } else {
        transaction.update(userRef(app, found.userId), { role, lastSeenAt: at });
      }
      addSession(deps, app, transaction, { sessionId, session, caller, method: "exchange" });
      return { session, user: found.isNew ? { ...user, name: mapped.name ?? user.name } : user };
    }),
  );
  return issueSession(deps, app, sessionId, { session: signedIn.session, user: signedIn.user });
}
