import type { Deps } from "../platform/deps.ts";
import { type NewestFirst, newestFirst } from "../platform/newest-first.ts";
import type { App } from "./app.ts";
import type { OpenSession } from "./contract.ts";
import { deviceName } from "./device-name.ts";
import type { Principal } from "./principal.ts";
import { type StoredSession, storedSession } from "./store.ts";

/**
 * A page of the person's open sessions, newest first. Those that have expired are left out, so a page may be
 * short. One query, one read for each.
 */
export async function listSessions(
  deps: Deps,
  app: App,
  person: Principal,
  page: { readonly cursor?: string | undefined; readonly limit: number },
): Promise<NewestFirst<OpenSession>> {
  const open = app.collection("sessions").where("user", "==", person.id).where("status", "==", "open");
  const { data, ...rest } = await newestFirst(
    deps,
    open,
    {
      field: "createdAt",
      scope: ["sessions", app.id, person.id],
      view: (document) => ({ id: document.id, stored: storedSession(document) }),
    },
    page,
  );
  const now = deps.clock.now();
  return {
    ...rest,
    data: data
      .filter(({ stored }) => stored.expireAt.toMillis() > now)
      .map(({ id, stored }) => view(id, stored, person)),
  };
}

/** A session is used at each refresh; between two of them its access token is, which nothing notes. */
const view = (id: string, stored: StoredSession, person: Principal): OpenSession => ({
  id,
  device: deviceName(stored.userAgent),
  ...(stored.network === undefined || stored.network === null ? {} : { ip: stored.network }),
  createdAt: stored.createdAt.toDate().toISOString(),
  lastUsedAt: stored.rotatedAt.toDate().toISOString(),
  current: id === person.sessionId,
});
