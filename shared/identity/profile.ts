import type { z } from "zod";
import { decodeCursor, encodeCursor } from "../platform/cursor.ts";
import type { Deps } from "../platform/deps.ts";
import { AppError, GRPC, grpcCode } from "../platform/errors.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";
import type { App } from "./app.ts";
import type { MeChange, User } from "./contract.ts";
import { holds } from "./permissions.ts";
import type { Principal } from "./principal.ts";
import { isPresent, listUsers, readDocument, type StoredUser, storedUser, userRef } from "./store.ts";
import { userView } from "./user-view.ts";

export const noSuchUser = (): AppError => new AppError("not_found", "There is no such user.");

/** One read. @throws AppError `not_found` */
export async function readUser(app: App, reader: Principal, id: string): Promise<User> {
  const { data } = await readDocument(userRef(app, id), storedUser);
  if (data === undefined || !(isPresent(data) || holds(reader, "user:change"))) throw noSuchUser();
  const view = viewFor(reader, id, data);
  return id === reader.id ? { ...view, quietHours: data.quietHours ?? null } : view;
}

/** One read, one write. @throws AppError `not_found` */
export async function changeMe(app: App, me: Principal, change: z.infer<typeof MeChange>): Promise<User> {
  if (Object.keys(change).length > 0) {
    try {
      await within(READ_MS_MAX, userRef(app, me.id).update(change));
    } catch (cause) {
      throw grpcCode(cause) === GRPC.notFound ? noSuchUser() : cause;
    }
  }
  return readUser(app, me, me.id);
}

/** Addresses and the like are shown to the person and to administrators only. */
export function viewFor(reader: Principal, id: string, stored: StoredUser): User {
  const isAdmin = holds(reader, "user:change");
  return {
    ...userView(id, stored, id === reader.id || isAdmin),
    ...(isAdmin && stored.status !== undefined ? { status: stored.status } : {}),
    ...(isAdmin && stored.externalId !== undefined ? { externalId: stored.externalId } : {}),
  };
}

/**
 * A page of the app's users. Who has been removed is left out, so a page may be short. One query, one read
 * for each.
 */
export async function listProfiles(
  deps: Deps,
  app: App,
  reader: Principal,
  query: { readonly cursor?: string | undefined; readonly limit: number },
): Promise<{ data: User[]; hasMore: boolean; next: string | null; prev: null }> {
  const scope = ["users", app.id];
  const after =
    query.cursor === undefined ? undefined : String(decodeCursor(deps.keys, scope, query.cursor)[0]);
  const found = await listUsers(app, after, query.limit + 1);
  const page = found.slice(0, query.limit);
  const last = page.at(-1);
  const hasMore = found.length > query.limit && last !== undefined;
  return {
    data: page.filter(({ stored }) => isPresent(stored)).map(({ id, stored }) => viewFor(reader, id, stored)),
    hasMore,
    next: hasMore ? encodeCursor(deps.keys, scope, [last.id]) : null,
    prev: null,
  };
}
