import { AppError } from "../platform/errors.ts";
import { Timestamp } from "../platform/firestore-values.ts";
import { randomId } from "../platform/ids.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";
import type { AdmissionDeps } from "./admission.ts";
import type { App } from "./app.ts";
import type { Caller } from "./caller.ts";
import type { Session } from "./contract.ts";
import { type IdentityDeps, issueSession } from "./issue-session.ts";
import { addSession, newSession } from "./new-session.ts";
import { newUser } from "./person-of.ts";
import { userRef } from "./store.ts";

/**
 * A person without an address, where the app lets guests in, and their session. They can't sign in again:
 * what they are ends with it. There is no key to repeat it by, as nobody is known to have sent it; a reply
 * that is lost leaves a guest whom nobody is. 3 writes.
 * @throws AppError `not_admitted`
 */
export async function createGuest(
  deps: IdentityDeps & AdmissionDeps,
  app: App,
  { name, caller }: { readonly name: string; readonly caller: Caller },
): Promise<Session> {
  const { registration } = await deps.apps.settingsOf(app);
  if (!registration.guests) throw new AppError("not_admitted", "This app lets no guests in.");
  const at = Timestamp.fromMillis(deps.clock.now());
  const userId = randomId();
  const sessionId = randomId();
  const user = newUser("", name, at);
  const session = newSession(userId, caller.userAgent, at);
  const batch = deps.firestore.batch();
  batch.create(userRef(app, userId), { ...user });
  addSession(deps, app, batch, { sessionId, session, caller, method: "guest" });
  await within(READ_MS_MAX, batch.commit());
  return issueSession(deps, app, sessionId, { session, user });
}
