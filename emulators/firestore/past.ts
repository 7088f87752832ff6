import { matchesFilter } from "./filter.ts";
import { FoundDocument } from "./found-document.ts";
import { type Query, withinCursors } from "./query.ts";
import { collectionsWithin, isWithin, type QueryScope } from "./query-scope.ts";
import type { Store } from "./store.ts";
import type { Micros } from "./time.ts";

interface Placed {
  readonly found: FoundDocument;
  readonly key: Buffer;
}

export interface PastViewParts {
  readonly query: Query;
  readonly scope: QueryScope;
  /** The documents as they are now. */
  readonly present: { next(): FoundDocument | undefined };
  readonly at: Micros;
}

/**
 * Shows the results of a query as they were at a time, though indexes know only the present. What
 * changed since then is left out of the present results, and is put in again as it was.
 */
export class PastView {
  private readonly store: Store;
  private readonly query: Query;
  private readonly scope: QueryScope;
  private readonly present: { next(): FoundDocument | undefined };
  private readonly at: Micros;
  /** The commit up to which changes since `at` are known. */
  private known: Micros;
  private changed = new Set<string>();
  private restored: Placed[] = [];
  private pending: Placed | undefined;
  private last: FoundDocument | undefined;

  constructor(store: Store, { query, scope, present, at }: PastViewParts) {
    this.store = store;
    this.query = query;
    this.scope = scope;
    this.present = present;
    this.at = at;
    this.known = at;
  }

  /** Whether anything was committed since the time that is shown. */
  get differs(): boolean {
    return this.scope.database.committed > this.at;
  }

  next(): FoundDocument | undefined {
    if (!this.differs) {
      this.last = this.present.next();
      return this.last;
    }
    if (this.scope.database.committed > this.known) this.restore();
    this.pending ??= this.nextPresent();
    const [restored] = this.restored;
    const pending = this.pending;
    if (restored !== undefined && (pending === undefined || Buffer.compare(restored.key, pending.key) < 0)) {
      this.restored.shift();
      this.last = restored.found;
      return restored.found;
    }
    this.pending = undefined;
    if (pending !== undefined) this.last = pending.found;
    return pending?.found;
  }

  private nextPresent(): Placed | undefined {
    for (let found = this.present.next(); found !== undefined; found = this.present.next()) {
      if (this.changed.has(textOf(found.collection.id, found.id))) continue;
      const key = found.sortKey(this.query);
      if (key !== undefined) return { found, key };
    }
    return undefined;
  }

  /** Finds what changed since, and of that, what was still to come at the time that is shown. */
  private restore(): void {
    this.known = this.scope.database.committed;
    const passed = this.last?.sortKey(this.query);
    this.changed = new Set();
    this.restored = [];
    for (const collectionId of collectionsWithin(this.store, this.scope)) {
      const collection = this.store.collectionById(collectionId);
      for (const { id, before } of this.store.changedSince(collectionId, this.at)) {
        this.changed.add(textOf(collectionId, id));
        if (before === undefined) continue;
        const found = new FoundDocument(collection, id, before);
        if (!isWithin(this.scope, collection, found.path) || !matchesFilter(this.query.filter, found))
          continue;
        const key = found.sortKey(this.query);
        if (key === undefined || !withinCursors(this.query, key)) continue;
        if (passed === undefined || Buffer.compare(key, passed) > 0) this.restored.push({ found, key });
      }
    }
    this.restored.sort((left, right) => Buffer.compare(left.key, right.key));
    if (
      this.pending !== undefined &&
      this.changed.has(textOf(this.pending.found.collection.id, this.pending.found.id))
    ) {
      this.pending = undefined;
    }
  }
}

const textOf = (collection: number, id: Buffer): string => `${collection}:${id.toString("latin1")}`;
