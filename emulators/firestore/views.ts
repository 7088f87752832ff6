import { FoundDocument } from "./found-document.ts";
import type { Notice } from "./listen-messages.ts";
import { DocumentSubject, reaches } from "./match.ts";
import { documentName, groupOf, parseDocumentName } from "./path.ts";
import type { Query } from "./query.ts";
import { collectionsWithin, isWithin, scopeOf } from "./query-scope.ts";
import { readAt } from "./reading.ts";
import type { FirestoreState } from "./state.ts";
import type { DatabaseRow } from "./collection-rows.ts";
import type { StoredDocument } from "./store.ts";
import type { Micros } from "./time.ts";
import type { Change } from "./write-apply.ts";

/** The documents that targets listen to. Targets with equal queries share one view and its work. */
export interface View {
  readonly database: DatabaseRow;
  /** The places where a change can affect the view. */
  readonly places: readonly string[];
  /** All documents in view as of `at`. */
  all(at: Micros): Iterable<Notice>;
  /** What differs between two times; `from` is one to which versions reach back. */
  between(from: Micros, at: Micros): Iterable<Notice>;
  /** The differences that a commit makes to the view. */
  follow(change: Change): Notice | undefined;
  /** For views that must run their query again: the differences up to `at`. */
  review?(at: Micros): Iterable<Notice>;
}

/** Names a place where documents change: a collection, a group, a database or a single document. */
const collectionPlace = (database: string, path: string): string => `collection ${database} ${path}`;
const groupPlace = (database: string, group: string): string => `group ${database} ${group}`;
const databasePlace = (database: string): string => `database ${database}`;
const documentPlace = (name: string): string => `document ${name}`;

/** The places a change happens in. */
export function placesOf(database: string, { collection, name }: Change): string[] {
  return [
    documentPlace(name),
    collectionPlace(database, collection),
    groupPlace(database, groupOf(collection)),
    databasePlace(database),
  ];
}

const gone = (name: string, document: StoredDocument | undefined): Notice => ({
  kind: document === undefined ? "deleted" : "removed",
  name,
});

/** A view of single documents by name. */
export class DocumentsView implements View {
  readonly database: DatabaseRow;
  readonly places: readonly string[];
  private readonly state: FirestoreState;
  private readonly names: readonly string[];

  constructor(state: FirestoreState, database: DatabaseRow, names: readonly string[]) {
    this.state = state;
    this.database = database;
    this.names = names;
    this.places = names.map(documentPlace);
  }

  private read(name: string, at: Micros): StoredDocument | undefined {
    return readAt(this.state, this.database, parseDocumentName(name), at);
  }

  *all(at: Micros): Iterable<Notice> {
    for (const name of this.names) yield noticeOf(name, this.read(name, at));
  }

  *between(from: Micros, at: Micros): Iterable<Notice> {
    for (const name of this.names) {
      const before = this.read(name, from);
      const now = this.read(name, at);
      if (before?.updated !== now?.updated) yield noticeOf(name, now);
    }
  }

  follow({ name, after }: Change): Notice {
    return noticeOf(name, after);
  }
}

const noticeOf = (name: string, document: StoredDocument | undefined): Notice =>
  document === undefined ? { kind: "deleted", name } : { kind: "changed", name, document };

function queryPlace(query: Query): string {
  const { parent, collection, allDescendants } = query;
  const { database, document } = parent;
  if (collection === undefined) return databasePlace(database);
  if (allDescendants) return groupPlace(database, collection);
  return collectionPlace(database, document === "" ? collection : `${document}/${collection}`);
}

/** A view of a query without a limit: each document is in or out by itself, so nothing is kept. */
export class QueryView implements View {
  readonly database: DatabaseRow;
  readonly places: readonly string[];
  protected readonly state: FirestoreState;
  protected readonly query: Query;

  constructor(state: FirestoreState, database: DatabaseRow, query: Query) {
    this.state = state;
    this.database = database;
    this.query = query;
    this.places = [queryPlace(query)];
  }

  *all(at: Micros): Iterable<Notice> {
    for (const found of this.results(at)) {
      yield { kind: "changed", name: found.name, document: found.document };
    }
  }

  protected *results(at: Micros): Iterable<FoundDocument> {
    const run = this.state.engine.run(this.query, at);
    let left = this.query.limit ?? Number.POSITIVE_INFINITY;
    for (let found = run.next(); found !== undefined && left > 0; found = run.next()) {
      left -= 1;
      yield found;
    }
  }

  *between(from: Micros, at: Micros): Iterable<Notice> {
    const { store } = this.state;
    const scope = scopeOf(store, this.query);
    for (const collectionId of collectionsWithin(store, scope)) {
      const collection = store.collectionById(collectionId);
      for (const { id, before } of store.changedSince(collectionId, from)) {
        const found = (document: StoredDocument): FoundDocument =>
          new FoundDocument(collection, id, document);
        const now = store.readDocumentAt(collectionId, id, at);
        const sample = before ?? now;
        if (sample === undefined || !isWithin(scope, collection, found(sample).path)) continue;
        const notice = this.compare(`${collection.path}/${found(sample).idText}`, before, now);
        if (notice !== undefined) yield notice;
      }
    }
  }

  follow({ collection, id, before, after }: Change): Notice | undefined {
    return reaches(this.query, collection) ? this.compare(`${collection}/${id}`, before, after) : undefined;
  }

  private compare(
    path: string,
    before: StoredDocument | undefined,
    after: StoredDocument | undefined,
  ): Notice | undefined {
    const name = documentName(this.database.name, path);
    const isIn = (state: StoredDocument | undefined): boolean =>
      state !== undefined && new DocumentSubject(path, state).placeIn(this.query) !== undefined;
    if (after !== undefined && isIn(after)) return { kind: "changed", name, document: after };
    return isIn(before) ? gone(name, after) : undefined;
  }
}

/**
 * A view of a query with a limit. A document that enters pushes another one out, and one that leaves makes
 * room. The view therefore remembers its documents, and runs the query again when a change may affect them.
 */
export class LimitedView extends QueryView {
  private window: Map<string, FoundDocument> | undefined;
  private stale = false;

  override *all(at: Micros): Iterable<Notice> {
    this.window = this.windowAt(at);
    yield* super.all(at);
  }

  private windowAt(at: Micros): Map<string, FoundDocument> {
    return new Map([...this.results(at)].map((found) => [found.name, found]));
  }

  override *between(from: Micros, at: Micros): Iterable<Notice> {
    const before = this.windowAt(from);
    this.window = this.windowAt(at);
    yield* this.differences(before, this.window, at);
  }

  override follow(change: Change): undefined {
    // Anything that is or was among the results, were there no limit, can move the window.
    if (super.follow(change) !== undefined) this.stale = true;
  }

  *review(at: Micros): Iterable<Notice> {
    if (!this.stale || this.window === undefined) return;
    this.stale = false;
    const before = this.window;
    this.window = this.windowAt(at);
    yield* this.differences(before, this.window, at);
  }

  private *differences(
    before: Map<string, FoundDocument>,
    now: Map<string, FoundDocument>,
    at: Micros,
  ): Iterable<Notice> {
    for (const [name, found] of before) {
      if (now.has(name)) continue;
      const { collection, id } = found;
      yield gone(name, this.state.store.readDocumentAt(collection.id, id, at));
    }
    for (const [name, { document }] of now) {
      if (before.get(name)?.document.updated !== document.updated) yield { kind: "changed", name, document };
    }
  }
}
