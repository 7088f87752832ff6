import type { Deps } from "../platform/deps.ts";
import { AppError } from "../platform/errors.ts";
import { Timestamp } from "../platform/firestore-values.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";
import type { App } from "./app.ts";
import type { Caller } from "./caller.ts";
import type { Principal } from "./principal.ts";
import { addRevocation } from "./revocation.ts";
import { accessTokensEndMs } from "./revoke.ts";
import { addSecurityEvent, securityEventsOf } from "./security-event.ts";
import { endOpenSessions, readDocument, sessionRef, userRef, storedSession } from "./store.ts";

const noSuchSession = (): AppError => new AppError("not_found", "There is no such session.");

/**
 * Ends one session of the person: theirs by default. Its refresh token is good no more, and its access
 * tokens end on every instance within seconds. Idempotent. 1 read, 3 writes.
 * @throws AppError `not_found` for a session that is not theirs
 */
export async function endSession(
  deps: Deps,
  app: App,
  person: Principal,
  { sessionId, caller }: { readonly sessionId: string | undefined; readonly caller: Caller },
): Promise<void> {
  const id = sessionId ?? person.sessionId;
  if (id === undefined) throw noSuchSession();
  const ref = sessionRef(app, id);
  const { data } = await readDocument(ref, storedSession);
  if (data === undefined || data.user !== person.id) throw noSuchSession();
  if (data.status !== "open") return;
  const now = deps.clock.now();
  const batch = deps.firestore.batch();
  batch.update(ref, { status: "ended" });
  addRevocation(deps.firestore, batch, {
    scope: "session",
    id,
    ends: "sessions",
    beforeMs: now,
    expireMs: accessTokensEndMs(now),
  });
  addSecurityEvent(deps, batch, securityEventsOf(app), {
    event: {
      kind: "signed-out",
      actor: person.id,
      subject: person.id,
      caller,
    },
  });
  await within(READ_MS_MAX, batch.commit());
}

/**
 * Ends every session of the person, also one that is being made at this moment: the mark at the user is
 * what refreshes ask. 3 writes, then a query and a write for each open session.
 * @throws AppError `not_found` for whoever has no sessions
 */
export async function endAllSessions(deps: Deps, app: App, person: Principal, caller: Caller): Promise<void> {
  if (person.kind !== "person") throw noSuchSession();
  const now = deps.clock.now();
  const batch = deps.firestore.batch();
  batch.update(userRef(app, person.id), { sessionsValidAfter: Timestamp.fromMillis(now) });
  addRevocation(deps.firestore, batch, {
    scope: "user",
    id: person.id,
    ends: "sessions",
    beforeMs: now,
    expireMs: accessTokensEndMs(now),
  });
  addSecurityEvent(deps, batch, securityEventsOf(app), {
    event: {
      kind: "signed-out-everywhere",
      actor: person.id,
      subject: person.id,
      caller,
    },
  });
  await within(READ_MS_MAX, batch.commit());
  // The mark at the user has ended all sessions already; this only tidies up.
  await endOpenSessions(deps.firestore, app, person.id);
}
