import type { IdOfPath } from "./bounds.ts";
import { COLLECTION_SCOPE, DATABASE_SCOPE, GROUP_SCOPE, keyPrefix } from "./entries.ts";
import { successor } from "./key.ts";
import { pathKey } from "./path.ts";
import type { Query } from "./query.ts";
import { FIRST, LAST, type Range } from "./scan.ts";
import { GROUP_NAMES_SLOT, NAMES_SLOT } from "./schema.ts";
import type { Collection, DatabaseRow } from "./collection-rows.ts";
import type { Store } from "./store.ts";

/** Where a query looks: in one collection, in a group below its parent, or in all that is below. */
export interface QueryScope {
  readonly database: DatabaseRow;
  readonly collection: Collection | undefined;
  readonly groupId: number | undefined;
  /** The key of the parent's path, with which the paths of all results begin. */
  readonly parentKey: Buffer;
  /** How many segments the results' paths have, where only the parent's own collections count. */
  readonly segments: number | undefined;
  /** Whether the collection or group never had a document. */
  readonly nothing: boolean;
}

export function scopeOf(store: Store, query: Query): QueryScope {
  const { parent, collection: id, allDescendants } = query;
  const database = store.databaseRow(parent.database);
  const parentKey = pathKey(parent.document);
  const base = { database, parentKey, collection: undefined, groupId: undefined, segments: undefined };
  if (id === undefined) {
    const segments = parent.document === "" ? 0 : parent.document.split("/").length;
    return { ...base, segments: allDescendants ? undefined : segments + 2, nothing: database.id === 0 };
  }
  if (allDescendants) {
    const groupId = store.findGroup(database, id);
    return { ...base, groupId, nothing: groupId === undefined };
  }
  const path = parent.document === "" ? id : `${parent.document}/${id}`;
  const collection = store.findCollection(database, path);
  return { ...base, collection, nothing: collection === undefined };
}

/** The collections in which documents may be that the query reaches. */
export function collectionsWithin(store: Store, scope: QueryScope): number[] {
  if (scope.nothing) return [];
  if (scope.collection !== undefined) return [scope.collection.id];
  if (scope.groupId !== undefined) return store.collectionIdsOfGroup(scope.groupId);
  return store.collectionIdsOfDatabase(scope.database.id);
}

export function isWithin(scope: QueryScope, collection: Collection, path: Buffer): boolean {
  if (scope.collection !== undefined) return scope.collection.id === collection.id;
  if (scope.groupId !== undefined && scope.groupId !== collection.groupId) return false;
  if (!beginsWith(path, scope.parentKey)) return false;
  return scope.segments === undefined || collection.path.split("/").length + 1 === scope.segments;
}

export const beginsWith = (path: Buffer, prefix: Buffer): boolean =>
  prefix.length === 0 || path.subarray(0, prefix.length).equals(prefix);

/** The beginning of the keys of an index within the scope: `slot` for a collection or a group. */
export function slotPrefix(scope: QueryScope, slot: number): Buffer {
  if (scope.collection !== undefined) return keyPrefix(COLLECTION_SCOPE, scope.collection.id, slot);
  return keyPrefix(GROUP_SCOPE, scope.groupId ?? 0, slot);
}

/** The beginning of the keys of the index by name. */
export function namesPrefix(scope: QueryScope): Buffer {
  return scope.groupId === undefined
    ? keyPrefix(DATABASE_SCOPE, scope.database.id, NAMES_SLOT)
    : keyPrefix(GROUP_SCOPE, scope.groupId, GROUP_NAMES_SLOT);
}

/** The names below the parent, for indexes in which documents go by path. */
export function namesWithin(scope: QueryScope): Range {
  if (scope.collection !== undefined || scope.parentKey.length === 0) return { low: FIRST, high: LAST };
  return {
    low: { suffix: FIRST.suffix, id: scope.parentKey },
    high: { suffix: FIRST.suffix, id: successor(scope.parentKey) },
  };
}

/** Where a path stands among the rows of an index within the scope. */
export function placeOfPath(scope: QueryScope): IdOfPath {
  if (scope.collection === undefined) return (path) => ({ suffix: FIRST.suffix, id: path });
  const own = pathKey(scope.collection.path);
  return (path) => {
    if (!beginsWith(path, own)) return Buffer.compare(path, own) < 0 ? FIRST : LAST;
    const rest = path.subarray(own.length);
    const end = rest.indexOf(Buffer.from([0, 1]));
    const id = rest.subarray(0, end);
    // What lies below a document comes right behind it.
    return { suffix: FIRST.suffix, id: end + 2 === rest.length ? id : Buffer.concat([id, Buffer.alloc(1)]) };
  };
}
