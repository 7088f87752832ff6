import { decodeCursor, encodeCursor } from "./cursor.ts";
import type { Query, QueryDocumentSnapshot } from "./firestore.ts";
import { FieldPath, Timestamp } from "./firestore-values.ts";
import type { Keys } from "./keys.ts";
import { READ_MS_MAX, within } from "./within.ts";

export interface NewestFirst<Item> {
  readonly data: Item[];
  readonly hasMore: boolean;
  readonly next: string | null;
  readonly prev: null;
}

/**
 * A page of what a query finds, the newest first by a field that holds a time. `scope` names the list, for
 * its cursors. One query, one read for each document.
 * @throws AppError `invalid_request` for a cursor of another list
 */
export async function newestFirst<Item>(
  deps: { readonly keys: Keys },
  query: Query,
  {
    field,
    scope,
    view,
  }: {
    readonly field: string;
    readonly scope: readonly string[];
    readonly view: (document: QueryDocumentSnapshot) => Item;
  },
  { cursor, limit }: { readonly cursor?: string | undefined; readonly limit: number },
): Promise<NewestFirst<Item>> {
  let page = query.orderBy(field, "desc").orderBy(FieldPath.documentId(), "desc");
  if (cursor !== undefined) {
    const [atMs, id] = decodeCursor(deps.keys, scope, cursor);
    page = page.startAfter(Timestamp.fromMillis(Number(atMs)), String(id));
  }
  const found = await within(READ_MS_MAX, page.limit(limit + 1).get());
  const shown = found.docs.slice(0, limit);
  const last = shown.at(-1);
  const hasMore = found.size > limit && last !== undefined;
  const next = hasMore
    ? encodeCursor(deps.keys, scope, [(last.get(field) as Timestamp).toMillis(), last.id])
    : null;
  return { data: shown.map(view), hasMore, next, prev: null };
}
