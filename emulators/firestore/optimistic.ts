import type { FirestoreState } from "./state.ts";
import type { DatabaseRow } from "./collection-rows.ts";
import type { OptimisticReads } from "./transaction.ts";
import { DocumentsView, QueryView } from "./views.ts";

/**
 * Whether anything that an optimistic transaction looked at has changed since. For a query with a limit,
 * every document that it would find without the limit counts.
 */
export function hasChanged(
  state: FirestoreState,
  database: DatabaseRow,
  { at, documents, queries }: OptimisticReads,
): boolean {
  const now = state.readTime(database);
  const views = [
    new DocumentsView(state, database, [...documents]),
    ...queries.map((query) => new QueryView(state, database, query)),
  ];
  return views.some((view) => view.between(at, now)[Symbol.iterator]().next().done !== true);
}
