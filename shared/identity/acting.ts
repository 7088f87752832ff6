import type { Deps } from "../platform/deps.ts";
import { AppError } from "../platform/errors.ts";
import { derivedId } from "../platform/ids.ts";
import { type App, appHandle } from "./app.ts";
import type { Caller } from "./caller.ts";
import { covers, demand, holds, PERSONAL, rightsOf } from "./permissions.ts";
import type { Principal } from "./principal.ts";
import type { Revocations } from "./revocations.ts";
import { securityEventsOf, writeFirstEvent } from "./security-event.ts";
import { readDocument, storedUser, userRef } from "./store.ts";

/** What was found of a person is trusted for so long; that their rights changed is heard of at once. */
const ACTING_CACHE_MS = 60_000;
const ACTING_CACHED_MAX = 10_000;
const HOUR_MS = 3600_000;

export interface Acting {
  /**
   * The person in whose name a server acts: with their rights, and of these only what the server's token has
   * a scope for. What is personal comes with it where the token covers their role: not for those above it.
   * Written down once for each token, person and hour, before anything is done. 1 read and 1 write at the
   * first time in an hour; else 1 read in ACTING_CACHE_MS.
   * @throws AppError `forbidden`, `not_found`
   */
  actFor(
    app: App,
    by: Principal,
    person: { readonly userId: string; readonly caller: Caller },
  ): Promise<Principal>;
}

interface Known {
  readonly principal: Principal;
  readonly listing: string;
  readonly untilMs: number;
  readonly hour: number;
}

export function openActing(deps: Deps, revocations: Revocations): Acting {
  const known = new Map<string, Known>();

  const read = async (app: App, by: Principal, userId: string): Promise<Omit<Known, "hour">> => {
    const listing = await revocations.listingOfUser(userId);
    const { data: user } = await readDocument(userRef(app, userId), storedUser);
    if (user === undefined || user.status !== undefined) {
      throw new AppError("not_found", "There is no such user.");
    }
    const isCovered = covers(by, user.role);
    const scopes = [...rightsOf(user.role)].filter((permission) =>
      PERSONAL.has(permission) ? isCovered && permission !== "session:end" : holds(by, permission),
    );
    const principal: Principal = {
      id: userId,
      kind: "person",
      role: user.role,
      scopes: new Set(scopes),
      actor: by.id,
      standsOn: [...(by.standsOn ?? []), { scope: "user", id: userId }],
      ...(by.expiresMs === undefined ? {} : { expiresMs: by.expiresMs }),
    };
    return { principal, listing, untilMs: deps.clock.now() + ACTING_CACHE_MS };
  };

  const writeDown = async (app: App, by: Principal, userId: string, hour: number, caller: Caller) => {
    const event = { kind: "acted-for" as const, actor: by.id, subject: userId, caller };
    const id = derivedId("acted-for", app.id, by.id, userId, String(hour));
    await writeFirstEvent(deps, securityEventsOf(app), { event, id });
  };

  return {
    async actFor(requested, by, { userId, caller }) {
      if (by.kind === "person") throw new AppError("forbidden", "Only servers act for people.");
      demand(by, "user:act-for");
      const app = appHandle(deps.firestore, requested.id);
      // Scopes are part of the name: a token whose maker was demoted is another one here.
      const name = [app.id, by.id, userId, [...(by.scopes ?? [])].join()].join(" ");
      const hour = Math.floor(deps.clock.now() / HOUR_MS);
      const entry = known.get(name);
      const isCurrent =
        entry !== undefined &&
        entry.untilMs > deps.clock.now() &&
        entry.listing === (await revocations.listingOfUser(userId));
      const found = isCurrent ? entry : await read(app, by, userId);
      if (entry?.hour !== hour) await writeDown(app, by, userId, hour, caller);
      if (known.size >= ACTING_CACHED_MAX) known.clear();
      known.set(name, { ...found, hour });
      return found.principal;
    },
  };
}
