import type { Query, QueryDocumentSnapshot } from "../platform/firestore.ts";

/** What Firestore did for a query, as it says itself. */
export interface QueryCost {
  readonly results: number;
  /** By which it is billed. */
  readonly reads: number;
  readonly tookMs: number;
  /** Entries of indexes it went through; undefined where it does not say. */
  readonly entriesScanned: number | undefined;
}

/**
 * The documents that a query finds, and what it took. It costs what the query costs.
 * @see https://firebase.google.com/docs/firestore/query-explain: which debug statistics there are may change
 */
export async function explainQuery(
  query: Query,
): Promise<{ readonly docs: readonly QueryDocumentSnapshot[]; readonly cost?: QueryCost }> {
  const { metrics, snapshot } = await query.explain({ analyze: true });
  const stats = metrics.executionStats;
  const docs = snapshot?.docs ?? [];
  if (stats === null) return { docs };
  const { seconds, nanoseconds } = stats.executionDuration;
  const entries = Number(stats.debugStats["index_entries_scanned"]);
  const cost = {
    results: stats.resultsReturned,
    reads: stats.readOperations,
    tookMs: Math.round(seconds * 1000 + nanoseconds / 1e6),
    entriesScanned: Number.isFinite(entries) ? entries : undefined,
  };
  return { docs, cost };
}
