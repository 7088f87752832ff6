import { plannedRanges } from "./bounds.ts";
import type { IndexCatalog } from "./catalog.ts";
import { type Filter, matchesFilter } from "./filter.ts";
import { FoundDocument, findByPath } from "./found-document.ts";
import { KeyJoin } from "./key-join.ts";
import { PastView } from "./past.ts";
import { type IndexUse, MissingIndexError, missingDefinition, type Plan, planConjunct } from "./plan.ts";
import { type Query, withinCursors } from "./query.ts";
import {
  beginsWith,
  isWithin,
  namesPrefix,
  namesWithin,
  placeOfPath,
  type QueryScope,
  scopeOf,
  slotPrefix,
} from "./query-scope.ts";
import { DocumentScan, EntryScan, FIRST, JoinedScan, LAST, type Row, type Source } from "./scan.ts";
import type { IndexSettler } from "./settle.ts";
import type { Store } from "./store.ts";
import type { Micros } from "./time.ts";

/** The results of one "and" of a query, in the query's order. */
interface Stream {
  readonly plan: Plan;
  readonly source: Source | undefined;
  next(): FoundDocument | undefined;
}

/** A query under way. Results come one by one, all as of one time, however long that takes. */
export interface QueryRun {
  next(): FoundDocument | undefined;
  /** How many results are left, at most `most`; undefined where indexes alone cannot tell. */
  count(most: number): number | undefined;
  readonly plans: readonly Plan[];
  readonly entriesScanned: number;
}

const EMPTY_STREAM = { source: undefined, next: () => undefined };

export class QueryEngine {
  private readonly store: Store;
  private readonly catalog: IndexCatalog;
  private readonly settler: IndexSettler;

  constructor(store: Store, catalog: IndexCatalog, settler: IndexSettler) {
    this.store = store;
    this.catalog = catalog;
    this.settler = settler;
  }

  /** Plans without reading. Where indexes are made on demand, makes those that are missing. */
  plan(query: Query): Plan[] {
    for (;;) {
      try {
        return query.conjuncts.map((leaves) => planConjunct(query, leaves, this.catalog));
      } catch (cause) {
        const isMissing = cause instanceof MissingIndexError;
        if (!isMissing || !this.catalog.makesMissing(query.parent.database, cause.group)) throw cause;
        this.makeIndex(cause);
      }
    }
  }

  private makeIndex(missing: MissingIndexError): void {
    const [only] = missing.fields;
    if (only !== undefined && missing.fields.length === 1) {
      this.catalog.defineGroupField(missing.group, only.path);
      this.settler.rebuildGroup(missing.group);
    } else {
      // Pending entries were worked out without the new index, so they are written first.
      this.settler.settleAll();
      this.settler.fill(this.catalog.define(missingDefinition(missing)));
    }
  }

  /** Starts a query on the documents as of `at`, which is not in the future. */
  run(query: Query, at: Micros): QueryRun {
    const plans = this.plan(query);
    const scope = scopeOf(this.store, query);
    if (!scope.nothing) for (const plan of plans) this.settle(plan, scope);
    const streams = plans.map((plan) => this.stream(query, plan, scope));
    const [only] = streams;
    const merged = streams.length === 1 && only !== undefined ? only : merge(query, streams);
    const past = new PastView(this.store, { query, scope, present: merged, at });
    return {
      plans,
      next: () => past.next(),
      count: (most) =>
        past.differs || streams.length !== 1 || only === undefined
          ? undefined
          : countStream(only, scope, most),
      get entriesScanned() {
        return streams.reduce((sum, { source }) => sum + (source?.scanned ?? 0), 0);
      },
    };
  }

  /** Brings up to date what the plan reads from indexes: documents themselves always are. */
  private settle({ name, indexes }: Plan, scope: QueryScope): void {
    if (name !== undefined || (indexes.length === 0 && scope.collection !== undefined)) return;
    const { settler } = this;
    if (indexes.length === 0 && scope.groupId !== undefined) return settler.settleGroup(scope.groupId);
    if (indexes.length === 0) return settler.settleDatabase(scope.database.id);
    for (const use of indexes) {
      const prefix = (): Buffer => this.prefix(use, scope);
      // An index of one field that is equal to something is read at that very key.
      const exact = !("slot" in use.index) && use.equal.length > 0;
      if (scope.collection !== undefined) settler.settleCollection(scope.collection.id, prefix, exact);
      else if (scope.groupId !== undefined) settler.settleGroupIndex(scope.groupId, prefix, exact);
    }
  }

  private stream(query: Query, plan: Plan, scope: QueryScope): Stream {
    if (scope.nothing) return { plan, ...EMPTY_STREAM };
    const filter: Filter = { type: "and", filters: plan.leaves };
    if (plan.name !== undefined) {
      return { plan, source: undefined, next: once(() => this.named(query, plan, scope, filter)) };
    }
    const source = this.source(query, plan, scope);
    return {
      plan,
      source,
      next: () => {
        for (let row = source.next(); row !== undefined; row = source.next()) {
          const found = this.fetch(scope, row);
          if (found !== undefined && (!plan.residual || matchesFilter(filter, found))) return found;
        }
        return undefined;
      },
    };
  }

  private named(query: Query, plan: Plan, scope: QueryScope, filter: Filter): FoundDocument | undefined {
    const found = findByPath(this.store, scope.database, plan.name as Buffer);
    if (found === undefined || !isWithin(scope, found.collection, found.path)) return undefined;
    const key = found.sortKey(query);
    return key !== undefined && withinCursors(query, key) && matchesFilter(filter, found) ? found : undefined;
  }

  private source(query: Query, plan: Plan, scope: QueryScope): Source {
    const ranges = plannedRanges(query, plan, namesWithin(scope), placeOfPath(scope));
    const known = query.limit !== undefined && !plan.residual && query.nearest === undefined;
    const expected = known ? query.limit + query.offset : undefined;
    if (plan.indexes.length === 0 && scope.collection !== undefined) {
      const range = ranges[0] ?? { low: LAST, high: FIRST };
      return new DocumentScan(this.store, scope.collection.id, range, { reverse: plan.reverse, expected });
    }
    const prefixes =
      plan.indexes.length === 0 ? [namesPrefix(scope)] : plan.indexes.map((use) => this.prefix(use, scope));
    const [only, ...others] = prefixes;
    if (only !== undefined && others.length === 0) {
      return new EntryScan(this.store, only, ranges, { reverse: plan.reverse, expected });
    }
    const [range, ...more] = ranges;
    if (range !== undefined && more.length === 0 && plan.indexes.every(isWholeKey)) {
      return new KeyJoin(this.store, prefixes, range, { reverse: plan.reverse, expected });
    }
    const scans = prefixes.map(
      (prefix) => new EntryScan(this.store, prefix, ranges, { reverse: plan.reverse }),
    );
    return new JoinedScan(scans, plan.reverse);
  }

  private prefix({ index, equal }: IndexUse, scope: QueryScope): Buffer {
    if ("slot" in index) return Buffer.concat([slotPrefix(scope, index.slot), ...equal]);
    const kind = scope.collection === undefined ? (`group ${index.kind}` as const) : index.kind;
    return Buffer.concat([slotPrefix(scope, this.catalog.findFieldSlot(kind, index.path)), ...equal]);
  }

  private fetch(scope: QueryScope, row: Row): FoundDocument | undefined {
    if (scope.collection === undefined) {
      // An index by value has the whole group, whatever the query's parent is.
      if (!beginsWith(row.id, scope.parentKey)) return undefined;
      const found = findByPath(this.store, scope.database, row.id);
      return found !== undefined && isWithin(scope, found.collection, row.id) ? found : undefined;
    }
    const document = row.document ?? this.store.readDocument(scope.collection.id, row.id);
    return document === undefined ? undefined : new FoundDocument(scope.collection, row.id, document);
  }
}

/** Whether the equal beginning is all of the key, so that its entries are ordered by name alone. */
const isWholeKey = ({ index, equal }: IndexUse): boolean =>
  "slot" in index ? equal.length === index.fields.length : equal.length === 1;

function once<T>(work: () => T | undefined): () => T | undefined {
  let done = false;
  return () => {
    if (done) return undefined;
    done = true;
    return work();
  };
}

function countStream({ plan, source }: Stream, scope: QueryScope, most: number): number | undefined {
  if (scope.nothing) return 0;
  // Below a document, an index by value of a whole group counts too much; as does one by name where
  // only the parent's own collections count.
  const tooWide = scope.collection === undefined && plan.indexes.length > 0 && scope.parentKey.length > 0;
  if (plan.residual || tooWide || scope.segments !== undefined) return undefined;
  return source?.count?.(most);
}

/** The results of an "or": each stream is in order, and what is found twice comes once. */
function merge(query: Query, streams: readonly Stream[]): { next(): FoundDocument | undefined } {
  const heads = streams.map((stream) => headOf(query, stream));
  let last: Buffer | undefined;
  return {
    next() {
      for (;;) {
        let best = -1;
        for (const [i, head] of heads.entries()) {
          if (head === undefined) continue;
          const least = best === -1 ? undefined : heads[best];
          if (least === undefined || Buffer.compare(head.key, least.key) < 0) best = i;
        }
        const head = heads[best];
        if (head === undefined) return undefined;
        heads[best] = headOf(query, streams[best] as Stream);
        if (last?.equals(head.key)) continue;
        last = head.key;
        return head.found;
      }
    },
  };
}

function headOf(query: Query, stream: Stream): { found: FoundDocument; key: Buffer } | undefined {
  for (let found = stream.next(); found !== undefined; found = stream.next()) {
    const key = found.sortKey(query);
    if (key !== undefined) return { found, key };
  }
  return undefined;
}
