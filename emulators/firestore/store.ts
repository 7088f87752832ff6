import { StatusError } from "../kernel/status-error.ts";
import { COLLECTIONS_CACHED_MAX, CollectionRows, type DatabaseRow } from "./collection-rows.ts";
import type { Micros } from "./time.ts";

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
export class Store extends CollectionRows {
  /** How many documents some collections have: counted when first asked for, kept up from then on. */
  private readonly sizes = new Map<number, number>();
  private readonly mirrors: (() => void)[] = [];

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

  override forget(): void {
    super.forget();
    this.sizes.clear();
    for (const reload of this.mirrors) reload();
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
