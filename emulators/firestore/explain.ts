import type { Message } from "../kernel/rpc.ts";
import { normalIndex } from "./index-file.ts";
import { NAME_FIELD } from "./path.ts";
import { type Plan, scopeOf } from "./plan.ts";
import type { Query } from "./query.ts";

/** The cost of a query, for `explain`. */
export interface QueryStatistics {
  readonly results: number;
  readonly reads: number;
  readonly entriesScanned: number;
  readonly documentsScanned: number;
  readonly durationMs: number;
}

const text = (value: string): Message => ({ stringValue: value });
const struct = (fields: Record<string, Message>): Message => ({ fields });

/** `google.firestore.v1.ExplainMetrics`: the plan, and where the query ran, what that took. */
export function explainMetrics(
  query: Query,
  plans: readonly Plan[],
  run: QueryStatistics | undefined,
): Message {
  const scope = scopeOf(query) === "COLLECTION" ? "Collection" : "Collection group";
  const used = new Set(plans.flatMap((plan) => properties(query, plan)));
  const indexesUsed = [...used].map((index) => struct({ query_scope: text(scope), properties: text(index) }));
  return { planSummary: { indexesUsed }, executionStats: run === undefined ? undefined : statistics(run) };
}

function statistics(run: QueryStatistics): Message {
  const seconds = Math.floor(run.durationMs / 1000);
  return {
    resultsReturned: run.results,
    executionDuration: { seconds, nanos: Math.round((run.durationMs - seconds * 1000) * 1e6) },
    readOperations: run.reads,
    debugStats: struct({
      billing_details: {
        structValue: struct({
          documents_billable: text(String(run.reads)),
          index_entries_billable: text("0"),
          min_query_cost: text("0"),
          small_ops: text("0"),
        }),
      },
      documents_scanned: text(String(run.documentsScanned)),
      index_entries_scanned: text(String(run.entriesScanned)),
    }),
  };
}

function properties(query: Query, plan: Plan): string[] {
  const direction = plan.reverse ? "DESC" : "ASC";
  if (plan.indexes.length === 0) return [`(${NAME_FIELD} ${direction})`];
  return plan.indexes.map(({ index }) => {
    if (!("slot" in index)) {
      const mode = index.kind === "contains" ? "CONTAINS" : direction;
      return `(${index.path} ${mode}, ${NAME_FIELD} ${direction})`;
    }
    // An index that is read backwards is shown as the index with all directions reversed.
    const written = plan.reverse
      ? normalIndex(query.collection ?? "", index.scope, [
          ...index.fields,
          { path: { names: [NAME_FIELD], text: NAME_FIELD }, mode: "desc" },
        ])
      : index;
    const fields = written.fields.map(({ path, mode }) => `${path.text} ${mode.toUpperCase()}`);
    return `(${[...fields, `${NAME_FIELD} ${direction}`].join(", ")})`;
  });
}
