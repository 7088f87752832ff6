import type { Call, Message, Outgoing } from "../kernel/rpc.ts";
import { StatusError } from "../kernel/status-error.ts";
import { type Aggregation, aggregatedQuery, isAggregated, parseAggregations } from "./aggregate.ts";
import { explainMetrics, type QueryStatistics } from "./explain.ts";
import type { FoundDocument } from "./found-document.ts";
import { AGGREGATION_ENTRIES_PER_READ } from "./limits.ts";
import { nearestOf } from "./nearest.ts";
import { parseParent } from "./path.ts";
import { parseQuery, type Query } from "./query.ts";
import { type Emulator, endingOnFailure, type Reading, startReading } from "./reading.ts";
import { maskedFields, queryResponse } from "./respond.ts";
import type { QueryRun } from "./run.ts";
import type { FirestoreState } from "./state.ts";
import { type Micros, timestampOf } from "./time.ts";
import type { Value } from "./value.ts";
import { writeValue } from "./write-value.ts";
import { WireWriter } from "./wire.ts";

/** After so many results the query checks the reader's pace and lets other requests have their turn. */
const RESULTS_PER_TURN = 200;

/** A query's results after offset, limit and nearest neighbours, one by one. */
interface Results {
  next(): FoundDocument | undefined;
  skipped: number;
  documents: number;
  readonly run: QueryRun;
}

function resultsOf(state: FirestoreState, query: Query, at: Micros): Results {
  const run = state.engine.run(query, at);
  let left = query.limit ?? Number.POSITIVE_INFINITY;
  const results: Results = { next: () => undefined, skipped: 0, documents: 0, run };
  const limited = (): FoundDocument | undefined => {
    while (results.skipped < query.offset) {
      if (run.next() === undefined) return undefined;
      results.skipped += 1;
      results.documents += 1;
    }
    if (left <= 0) return undefined;
    left -= 1;
    const found = run.next();
    if (found !== undefined) results.documents += 1;
    return found;
  };
  const { nearest } = query;
  let neighbours: FoundDocument[] | undefined;
  results.next = nearest === undefined ? limited : () => (neighbours ??= nearestOf(nearest, limited)).shift();
  return results;
}

/** Runs a query in a read-write transaction. It locks the results and guards the query against new ones. */
async function lockedResults(
  state: FirestoreState,
  reading: Reading,
  query: Query,
  call: Call,
): Promise<{ results: Results; at: Micros }> {
  const { database, transaction, optimisticReads } = reading;
  optimisticReads?.queries.push(query);
  if (transaction === undefined) {
    const at = reading.at ?? state.readTime(database);
    return { results: resultsOf(state, query, at), at };
  }
  const { locks } = state.transactionsOf(database.name);
  transaction.queries.push(query);
  for (;;) {
    const at = state.readTime(database);
    const results = resultsOf(state, query, at);
    const found: FoundDocument[] = [];
    for (let next = results.next(); next !== undefined; next = results.next()) found.push(next);
    const documents = found.map(({ name }) => name.slice(database.name.length + "/documents/".length));
    if (locks.tryAcquire(transaction, documents, "read")) {
      return { results: { ...results, next: () => found.shift() }, at };
    }
    // Whoever holds one of them may be about to change it, so afterwards the query runs again.
    await locks.acquire(transaction, documents, "read", call.signal);
  }
}

function requestedQuery(request: Message, structured: Message): Query {
  return parseQuery(parseParent(request.parent), structured);
}

export async function runQuery(
  { kernel, state }: Emulator,
  request: Message,
  call: Call,
  { send, drained }: Outgoing,
): Promise<void> {
  const query = requestedQuery(request, request.structuredQuery);
  const explain = request.explainOptions ?? undefined;
  if (explain !== undefined && explain.analyze !== true) {
    send({ explainMetrics: explainMetrics(query, state.engine.plan(query), undefined) });
    return;
  }
  const startedMs = performance.now();
  const reading = startReading(state, query.parent.database, request);
  await endingOnFailure(state, reading, async () => {
    const { results, at } = await lockedResults(state, reading, query, call);
    let next = results.next();
    await state.settled();
    if (reading.begun !== undefined) send({ transaction: reading.begun });
    let sent = 0;
    for (; next !== undefined; next = results.next()) {
      const fields = maskedFields(next.document, query.select);
      const skipped = sent === 0 ? results.skipped : 0;
      const keepsUp = send(
        queryResponse({ name: next.name, document: next.document, fields, skipped, readTime: at }),
      );
      sent += 1;
      if (keepsUp && sent % RESULTS_PER_TURN !== 0) continue;
      await (keepsUp ? new Promise(setImmediate) : drained());
      if (call.signal.aborted) break;
    }
    const reads = Math.max(results.documents, 1);
    const statistics = statisticsOf(results, sent, reads, startedMs);
    if (sent === 0) send({ readTime: timestampOf(at), skippedResults: results.skipped });
    if (explain !== undefined) send({ explainMetrics: explainMetrics(query, results.run.plans, statistics) });
    kernel.meter.bill(call, { reads });
  });
}

function statisticsOf(results: Results, sent: number, reads: number, startedMs: number): QueryStatistics {
  return {
    results: sent,
    reads,
    entriesScanned: results.run.entriesScanned,
    documentsScanned: results.documents,
    durationMs: performance.now() - startedMs,
  };
}

const writer = new WireWriter();

/** An entry of `AggregationResult.aggregate_fields`. */
function encodedEntry(alias: string, value: Value): Buffer {
  writer.reset();
  writer.stringField(1, alias);
  const start = writer.open(2);
  writeValue(writer, value);
  writer.close(start);
  return writer.finish();
}

export async function runAggregationQuery(
  { kernel, state }: Emulator,
  request: Message,
  call: Call,
  { send }: Outgoing,
): Promise<void> {
  const aggregation = request.structuredAggregationQuery;
  if (aggregation === null || aggregation === undefined) {
    throw new StatusError("INVALID_ARGUMENT", "An aggregation query is missing.");
  }
  const aggregations = parseAggregations(aggregation.aggregations ?? []);
  const query = aggregatedQuery(requestedQuery(request, aggregation.structuredQuery), aggregations);
  const explain = request.explainOptions ?? undefined;
  if (explain !== undefined && explain.analyze !== true) {
    send({ explainMetrics: explainMetrics(query, state.engine.plan(query), undefined) });
    return;
  }
  const startedMs = performance.now();
  const reading = startReading(state, query.parent.database, request);
  await endingOnFailure(state, reading, async () => {
    (reading.transaction ?? reading.optimisticReads)?.queries.push(query);
    const at = reading.at ?? state.readTime(reading.database);
    const results = resultsOf(state, query, at);
    const counted = aggregate(query, results, aggregations);
    await state.settled();
    const reads = Math.max(1, Math.ceil(counted / AGGREGATION_ENTRIES_PER_READ));
    const aggregateFields = aggregations.map(({ alias, result }) => encodedEntry(alias, result()));
    if (reading.begun !== undefined) send({ transaction: reading.begun });
    const statistics = statisticsOf(results, 1, reads, startedMs);
    send({
      result: { aggregateFields },
      readTime: timestampOf(at),
      explainMetrics:
        explain === undefined ? undefined : explainMetrics(query, results.run.plans, statistics),
    });
    kernel.meter.bill(call, { reads });
  });
}

/** Feeds the aggregations, from the index alone where that is enough. Returns the entries read. */
function aggregate(query: Query, results: Results, aggregations: readonly Aggregation[]): number {
  const furthest = Math.max(...aggregations.map(({ countMost }) => countMost ?? Number.POSITIVE_INFINITY));
  const most = Math.min(furthest, query.limit ?? Number.POSITIVE_INFINITY);
  const counts = aggregations.every(({ countMost }) => countMost !== undefined);
  if (counts && query.nearest === undefined) {
    const total = results.run.count(Math.min(most + query.offset, Number.MAX_SAFE_INTEGER));
    if (total !== undefined) {
      const rest = Math.max(0, total - query.offset);
      for (const aggregation of aggregations) aggregation.addCount(rest);
      return total;
    }
  }
  let read = 0;
  for (let found = read < most ? results.next() : undefined; found !== undefined;) {
    if (isAggregated(found, aggregations)) {
      for (const aggregation of aggregations) aggregation.add(found);
    }
    read += 1;
    found = read < most ? results.next() : undefined;
  }
  return read;
}
