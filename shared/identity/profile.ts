import type { z } from "zod";
import { decodeCursor, encodeCursor } from "../platform/cursor.ts";
import type { Deps } from "../platform/deps.ts";
import { AppError, GRPC, grpcCode } from "../platform/errors.ts";
import type { MetadataChange } from "../platform/contract.ts";
import { changedMetadata } from "../platform/metadata.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";
import { nameKeysOf } from "../words/name-keys.ts";
import type { App } from "./app.ts";
import type { MeChange, User } from "./contract.ts";
import { covers, holds } from "./permissions.ts";
import type { Principal } from "./principal.ts";
import {
  isPresent,
  listUsers,
  readDocument,
  type StoredUser,
  storedUser,
  TRANSACTION_MS_MAX,
  userRef,
} from "./store.ts";
import { userView } from "./user-view.ts";

export const noSuchUser = (): AppError => new AppError("not_found", "There is no such user.");

/** One read. @throws AppError `not_found` */
export async function readUser(app: App, reader: Principal, id: string): Promise<User> {
  const { data } = await readDocument(userRef(app, id), storedUser);
  if (data === undefined || !(isPresent(data) || holds(reader, "user:change"))) throw noSuchUser();
  const view = viewFor(reader, id, data);
  return id === reader.id ? { ...view, quietHours: data.quietHours ?? null } : view;
}

/** One read, one write; one transaction more for metadata. @throws AppError `not_found`, `invalid_request` */
export async function changeMe(
  { firestore }: Pick<Deps, "firestore">,
  app: App,
  me: Principal,
  { metadata, ...change }: z.infer<typeof MeChange>,
): Promise<User> {
  if (metadata !== undefined) await changeMetadata({ firestore }, app, { userId: me.id, metadata });
  if (Object.keys(change).length > 0) {
    try {
      // The file that was the picture until then finds so itself, and is removed.
      const picture = change.avatarUrl === undefined ? {} : { pictureFile: null };
      const keys = change.name === undefined ? {} : { nameKeys: nameKeysOf(change.name) };
      await within(READ_MS_MAX, userRef(app, me.id).update({ ...change, ...keys, ...picture }));
    } catch (cause) {
      throw grpcCode(cause) === GRPC.notFound ? noSuchUser() : cause;
    }
  }
  return readUser(app, me, me.id);
}

/**
 * Changes what is noted at a person. One transaction: 1 read, 1 write.
 * @throws AppError `not_found`, `forbidden` to those below the person, `invalid_request` beyond
 * METADATA_PAIRS_MAX
 */
export async function changeMetadata(
  { firestore }: Pick<Deps, "firestore">,
  app: App,
  {
    userId,
    metadata,
    by,
  }: {
    readonly userId: string;
    readonly metadata: MetadataChange;
    /** Who does, where it is not the person. */
    readonly by?: Principal;
  },
): Promise<void> {
  const ref = userRef(app, userId);
  await within(
    TRANSACTION_MS_MAX,
    firestore.runTransaction(async (transaction) => {
      const user = storedUser(await transaction.get(ref));
      if (!isPresent(user)) throw noSuchUser();
      if (by !== undefined && !covers(by, user.role)) {
        throw new AppError("forbidden", "Nobody changes those above them.");
      }
      transaction.update(ref, { metadata: changedMetadata(user.metadata, metadata) });
    }),
  );
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
