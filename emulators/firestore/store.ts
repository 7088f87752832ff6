import type { StatementSync } from "node:sqlite";
import type { Database } from "../kernel/database.ts";
import { StatusError } from "../kernel/status-error.ts";
import { groupOf } from "./path.ts";
import type { Micros } from "./time.ts";

export interface DatabaseRow {
  readonly id: number;
  readonly name: string;
  /** The latest time given out, by a commit or a read; every later commit is later. */
  time: Micros;
  /** The time of the latest commit that changed anything. */
  committed: Micros;
}

export interface Collection {
  readonly id: number;
  readonly database: DatabaseRow;
  readonly path: string;
  readonly groupId: number;
  /** The collection's own id, which names its group. */
  readonly group: string;
}

export interface StoredDocument {
  readonly created: Micros;
  readonly updated: Micros;
  readonly fields: Buffer;
}

/** What a commit replaced: undefined where the document did not exist. */
export interface Version {
  readonly time: Micros;
  readonly id: Buffer;
  readonly before: StoredDocument | undefined;
}

/** Collections remembered by path; the map starts over beyond that. */
const COLLECTIONS_CACHED_MAX = 20_000;

/** A page of documents ends once it has so many bytes, since a document may have a mebibyte. */
const PAGE_BYTES_MAX = 256 * 1024;

interface DocumentRow {
  created: number;
  updated: number;
  fields: Uint8Array;
}

/** How long a span of versions is: an hour then has some hundred of them, each looked up once. */
const SPAN_MICROS = 8_000_000;

const spanOf = (time: Micros): number => Math.floor(time / SPAN_MICROS);

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

const stored = (row: DocumentRow): StoredDocument => ({
  created: row.created,
  updated: row.updated,
  fields: asBuffer(row.fields),
});

export interface DocumentPageOptions {
  readonly low: Uint8Array;
  readonly high: Uint8Array;
  readonly reverse?: boolean;
  readonly limit: number;
}

/** The rows of documents, their versions and the numbers that stand for their collections. */
export class Store {
  readonly database: Database;
  private readonly databases = new Map<string, DatabaseRow>();
  private readonly collections = new Map<string, Collection>();
  private readonly collectionsById = new Map<number, Collection>();
  private readonly statements = new Map<string, StatementSync>();
  /** How many documents some collections have: counted when first asked for, kept up from then on. */
  private readonly sizes = new Map<number, number>();
  private readonly mirrors: (() => void)[] = [];

  constructor(database: Database) {
    this.database = database;
  }

  /** Has `reload` called whenever rows are taken back, for whoever else mirrors rows in memory. */
  onForget(reload: () => void): void {
    this.mirrors.push(reload);
  }

  /** Runs `work` in the open group. A refusal comes before any row is touched; anything else may not. */
  write<T>(work: () => T): Promise<T> {
    let broken = false;
    return this.database
      .write(() => {
        try {
          return work();
        } catch (cause) {
          broken = !(cause instanceof StatusError);
          throw cause;
        }
      })
      .finally(() => {
        if (broken) this.forget();
      });
  }

  /** A prepared statement, prepared once. */
  statement(sql: string): StatementSync {
    let statement = this.statements.get(sql);
    if (statement === undefined) {
      statement = this.database.sql.prepare(sql);
      this.statements.set(sql, statement);
    }
    return statement;
  }

  /** Forgets what mirrors rows, after rows were taken back. Times only ever grow, so they stay. */
  forget(): void {
    this.collections.clear();
    this.collectionsById.clear();
    this.sizes.clear();
    for (const row of this.databases.values()) {
      if (row.id !== 0) Object.assign(row, { id: this.databaseId(row.name) ?? 0 });
    }
    for (const reload of this.mirrors) reload();
  }

  private databaseId(name: string): number | undefined {
    const row = this.statement("SELECT id FROM databases WHERE name = ?").get(name) as
      | { id: number }
      | undefined;
    return row?.id;
  }

  /** A database's row; its id is 0 while nothing was ever written to it. */
  databaseRow(name: string): DatabaseRow {
    const known = this.databases.get(name);
    if (known !== undefined) return known;
    const found = this.statement("SELECT id, time FROM databases WHERE name = ?").get(name) as
      | { id: number; time: number }
      | undefined;
    const row: DatabaseRow = {
      id: found?.id ?? 0,
      name,
      time: found?.time ?? 0,
      committed: found?.time ?? 0,
    };
    this.databases.set(name, row);
    return row;
  }

  databaseRows(): DatabaseRow[] {
    const rows = this.statement("SELECT name FROM databases ORDER BY name").all() as { name: string }[];
    return rows.map(({ name }) => this.databaseRow(name));
  }

  private databaseById(id: number): DatabaseRow {
    const { name } = this.statement("SELECT name FROM databases WHERE id = ?").get(id) as { name: string };
    return this.databaseRow(name);
  }

  findCollection(database: DatabaseRow, path: string): Collection | undefined {
    const known = this.collections.get(`${database.name} ${path}`);
    if (known !== undefined) return known;
    if (database.id === 0) return undefined;
    const row = this.statement(
      "SELECT id, collection_group AS groupId FROM collections WHERE database = ? AND path = ?",
    ).get(database.id, path) as { id: number; groupId: number } | undefined;
    return row === undefined ? undefined : this.remember(row.id, database, path, row.groupId);
  }

  collectionById(id: number): Collection {
    const known = this.collectionsById.get(id);
    if (known !== undefined) return known;
    const row = this.statement(
      "SELECT database, path, collection_group AS groupId FROM collections WHERE id = ?",
    ).get(id) as { database: number; path: string; groupId: number };
    return this.remember(id, this.databaseById(row.database), row.path, row.groupId);
  }

  private remember(id: number, database: DatabaseRow, path: string, groupId: number): Collection {
    if (this.collections.size >= COLLECTIONS_CACHED_MAX) {
      this.collections.clear();
      this.collectionsById.clear();
    }
    const collection = { id, database, path, groupId, group: groupOf(path) };
    this.collections.set(`${database.name} ${path}`, collection);
    this.collectionsById.set(id, collection);
    return collection;
  }

  /** Inside a write: the collection's row, made when it is new. */
  ensureCollection(database: DatabaseRow, path: string): Collection {
    const found = this.findCollection(database, path);
    if (found !== undefined) return found;
    if (database.id === 0) {
      const inserted = this.statement("INSERT INTO databases (name, time) VALUES (?, ?)").run(
        database.name,
        database.time,
      );
      Object.assign(database, { id: Number(inserted.lastInsertRowid) });
    }
    const groupId = this.findGroup(database, groupOf(path)) ?? this.insertGroup(database, groupOf(path));
    const inserted = this.statement(
      "INSERT INTO collections (database, path, collection_group) VALUES (?, ?, ?)",
    ).run(database.id, path, groupId);
    return this.remember(Number(inserted.lastInsertRowid), database, path, groupId);
  }

  findGroup(database: DatabaseRow, name: string): number | undefined {
    const row = this.statement("SELECT id FROM collection_groups WHERE database = ? AND name = ?").get(
      database.id,
      name,
    ) as { id: number } | undefined;
    return row?.id;
  }

  private insertGroup(database: DatabaseRow, name: string): number {
    const sql = "INSERT INTO collection_groups (database, name) VALUES (?, ?)";
    return Number(this.statement(sql).run(database.id, name).lastInsertRowid);
  }

  /** Every database's group of that name. */
  groupsNamed(name: string): { readonly id: number; readonly database: DatabaseRow }[] {
    const sql = "SELECT id, database FROM collection_groups WHERE name = ?";
    const rows = this.statement(sql).all(name) as { id: number; database: number }[];
    return rows.map((row) => ({ id: row.id, database: this.databaseById(row.database) }));
  }

  collectionIdsOfDatabase(databaseId: number): number[] {
    const sql = "SELECT id FROM collections WHERE database = ?";
    return (this.statement(sql).all(databaseId) as { id: number }[]).map(({ id }) => id);
  }

  collectionIdsOfGroup(groupId: number): number[] {
    const sql = "SELECT id FROM collections WHERE collection_group = ?";
    return (this.statement(sql).all(groupId) as { id: number }[]).map(({ id }) => id);
  }

  readDocument(collection: number, id: Uint8Array): StoredDocument | undefined {
    const row = this.statement(
      "SELECT created, updated, fields FROM documents WHERE collection = ? AND id = ?",
    ).get(collection, id) as DocumentRow | undefined;
    return row === undefined ? undefined : stored(row);
  }

  /** The document as it was at `time`, which the versions kept must reach back to. */
  readDocumentAt(collection: number, id: Uint8Array, time: Micros): StoredDocument | undefined {
    const current = this.readDocument(collection, id);
    if (current !== undefined && current.updated <= time) return current;
    for (const span of this.spansSince(time)) {
      const row = this.statement(
        `SELECT created, updated, fields FROM versions
         WHERE span = ? AND collection = ? AND time > ? AND id = ? ORDER BY time LIMIT 1`,
      ).get(span, collection, time, id) as DocumentRow | undefined;
      if (row !== undefined) return row.fields === null ? undefined : stored(row);
    }
    return undefined;
  }

  /** The spans that have versions replaced after `time`: of quiet times there are none. */
  private *spansSince(time: Micros): Iterable<number> {
    const next = this.statement("SELECT min(span) AS span FROM versions WHERE span >= ?");
    for (let from = spanOf(time); ;) {
      const { span } = next.get(from) as { span: number | null };
      if (span === null) return;
      yield span;
      from = span + 1;
    }
  }

  putDocument(collection: number, id: Uint8Array, document: StoredDocument): void {
    this.statement(
      `INSERT INTO documents (collection, id, created, updated, fields) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (collection, id) DO UPDATE
       SET created = excluded.created, updated = excluded.updated, fields = excluded.fields`,
    ).run(collection, id, document.created, document.updated, document.fields);
  }

  removeDocument(collection: number, id: Uint8Array): void {
    this.statement("DELETE FROM documents WHERE collection = ? AND id = ?").run(collection, id);
  }

  /** Inside a write: a collection has so many documents more. */
  resize(collection: number, change: number): void {
    const size = this.sizes.get(collection);
    if (size !== undefined) this.sizes.set(collection, size + change);
  }

  /** How many documents a collection has. */
  sizeOf(collection: number): number {
    let size = this.sizes.get(collection);
    if (size === undefined) {
      const sql = "SELECT count(*) AS n FROM documents WHERE collection = ?";
      size = (this.statement(sql).get(collection) as { n: number }).n;
      if (this.sizes.size >= COLLECTIONS_CACHED_MAX) this.sizes.clear();
      this.sizes.set(collection, size);
    }
    return size;
  }

  addVersion(collection: number, time: Micros, id: Uint8Array, before: StoredDocument | undefined): void {
    this.statement(
      "INSERT INTO versions (span, collection, time, id, created, updated, fields) VALUES (?, ?, ?, ?, ?, ?, ?)",
    ).run(
      spanOf(time),
      collection,
      time,
      id,
      before?.created ?? null,
      before?.updated ?? null,
      before?.fields ?? null,
    );
  }

  /** The documents of a collection that changed after `time`, each with what it was then. */
  changedSince(collection: number, time: Micros): Version[] {
    const first = new Map<string, Version>();
    for (const version of this.versionsSince(collection, time)) {
      const key = version.id.toString("latin1");
      if (!first.has(key)) first.set(key, version);
    }
    return [...first.values()];
  }

  /** What was replaced in a collection after `time`, in the order of the commits. */
  versionsSince(collection: number, time: Micros): Version[] {
    const versions: Version[] = [];
    for (const span of this.spansSince(time)) {
      const rows = this.statement(
        `SELECT time, id, created, updated, fields FROM versions
         WHERE span = ? AND collection = ? AND time > ? ORDER BY time`,
      ).all(span, collection, time) as unknown as (DocumentRow & { time: number; id: Uint8Array })[];
      for (const row of rows) {
        const before = row.fields === null ? undefined : stored(row);
        versions.push({ time: row.time, id: asBuffer(row.id), before });
      }
    }
    return versions;
  }

  saveTime(database: DatabaseRow, time: Micros): void {
    database.committed = time;
    this.statement("UPDATE databases SET time = ? WHERE id = ?").run(time, database.id);
  }

  /** How many documents a collection has from `low` to `high`, at most `most`. */
  countDocuments(collection: number, low: Uint8Array, high: Uint8Array, most: number): number {
    const row = this.statement(
      `SELECT count(*) AS n FROM
       (SELECT 1 FROM documents WHERE collection = ? AND id >= ? AND id < ? LIMIT ?)`,
    ).get(collection, low, high, most) as { n: number };
    return row.n;
  }

  /**
   * A page of a collection's documents by id, from `low` (included) to `high` (excluded): `limit` of them,
   * or fewer when they are large; none when there are none.
   */
  documentPage(
    collection: number,
    { low, high, reverse = false, limit }: DocumentPageOptions,
  ): { readonly id: Buffer; readonly document: StoredDocument }[] {
    const direction = reverse ? "DESC" : "ASC";
    const rows = this.statement(
      `SELECT id, created, updated, fields FROM documents
       WHERE collection = ? AND id >= ? AND id < ? ORDER BY id ${direction} LIMIT ?`,
    ).iterate(collection, low, high, limit) as unknown as Iterable<DocumentRow & { id: Uint8Array }>;
    const page: { readonly id: Buffer; readonly document: StoredDocument }[] = [];
    let bytes = 0;
    for (const row of rows) {
      page.push({ id: asBuffer(row.id), document: stored(row) });
      bytes += row.fields.length;
      if (bytes >= PAGE_BYTES_MAX) break;
    }
    return page;
  }
}
