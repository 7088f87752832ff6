import { successor } from "./key.ts";
import type { Store, StoredDocument } from "./store.ts";

/** A row of an index below a prefix: the rest of its key, and the document. */
export interface Row {
  readonly suffix: Buffer;
  readonly id: Buffer;
  /** Where the scan reads documents anyway. */
  readonly document?: StoredDocument;
}

/** A place among the rows below a prefix. An undefined suffix lies behind them all. */
export interface Place {
  readonly suffix: Buffer | undefined;
  readonly id: Buffer;
}

/** From `low` (included) to `high` (excluded). */
export interface Range {
  readonly low: Place;
  readonly high: Place;
}

/** Rows in order, ascending or (where the scan is reversed) descending. */
export interface Source {
  next(): Row | undefined;
  /** Skips to the first row that is not before the given one. */
  seek(row: Row): void;
  /** Index entries read so far. */
  readonly scanned: number;
  /** How many rows are left, at most `most`, where that can be told without reading them. */
  count?(most: number): number;
}

const EMPTY = Buffer.alloc(0);
const ZERO = Buffer.from([0]);
/** Ids are UTF-8, which never has this byte. */
const BEHIND_IDS = Buffer.from([0xff]);
export const FIRST: Place = { suffix: EMPTY, id: EMPTY };
export const LAST: Place = { suffix: undefined, id: EMPTY };

/** Rows are read in chunks that grow, so that a first page reads little and a long scan seeks seldom. */
const CHUNK_MIN = 16;
const CHUNK_MAX = 1_024;
/** Documents are large, so chunks of them stay smaller than chunks of entries. */
const DOCUMENTS_CHUNK_MAX = 256;

const firstChunk = (expected: number | undefined, most: number): number =>
  expected === undefined ? CHUNK_MIN : Math.min(Math.max(expected, 1), most);

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const after = (id: Buffer): Buffer => Buffer.concat([id, ZERO]);

function compareRows(left: Row, right: Row): number {
  return Buffer.compare(left.suffix, right.suffix) || Buffer.compare(left.id, right.id);
}

const ASCENDING = `SELECT key, id FROM entries WHERE (key, id) >= (?, ?) AND (key, id) < (?, ?)
  ORDER BY key, id LIMIT ?`;
const DESCENDING = `SELECT key, id FROM entries WHERE (key, id) >= (?, ?) AND (key, id) < (?, ?)
  ORDER BY key DESC, id DESC LIMIT ?`;

export interface ScanOptions {
  readonly reverse?: boolean;
  /** How many rows the reader will take, if that is known. */
  readonly expected?: number | undefined;
}

/** Reads the entries below a prefix, range after range. No statement stays open between the chunks. */
export class EntryScan implements Source {
  scanned = 0;
  private readonly store: Store;
  private readonly prefix: Buffer;
  private readonly end: Buffer;
  private readonly reverse: boolean;
  private readonly ranges: Range[];
  private chunk: Row[] = [];
  private position = 0;
  private size: number;

  constructor(
    store: Store,
    prefix: Buffer,
    ranges: readonly Range[],
    { reverse = false, expected }: ScanOptions = {},
  ) {
    this.store = store;
    this.size = firstChunk(expected, CHUNK_MAX);
    this.prefix = prefix;
    this.end = successor(prefix);
    this.reverse = reverse;
    this.ranges = reverse ? [...ranges].reverse() : [...ranges];
  }

  next(): Row | undefined {
    while (this.position >= this.chunk.length) if (!this.fill()) return undefined;
    return this.chunk[this.position++];
  }

  seek(target: Row): void {
    const before = (row: Row): boolean =>
      this.reverse ? compareRows(row, target) > 0 : compareRows(row, target) < 0;
    while (this.position < this.chunk.length) {
      if (!before(this.chunk[this.position] as Row)) return;
      this.position += 1;
    }
    const bound = { suffix: target.suffix, id: this.reverse ? after(target.id) : target.id };
    for (const [i, { low, high }] of this.ranges.entries()) {
      this.ranges[i] = this.reverse ? { low, high: least(high, bound) } : { low: greatest(low, bound), high };
    }
    this.size = CHUNK_MIN;
  }

  /** Reads the next chunk; false when there is nothing left. */
  private fill(): boolean {
    const [range] = this.ranges;
    if (range === undefined) return false;
    const rows = this.store
      .statement(this.reverse ? DESCENDING : ASCENDING)
      .all(...this.bound(range.low), ...this.bound(range.high), this.size) as unknown as {
      key: Uint8Array;
      id: Uint8Array;
    }[];
    this.chunk = rows.map((row) => ({
      suffix: asBuffer(row.key).subarray(this.prefix.length),
      id: asBuffer(row.id),
    }));
    this.position = 0;
    this.scanned += rows.length;
    const last = this.chunk.at(-1);
    if (last === undefined || rows.length < this.size) this.ranges.shift();
    else if (this.reverse) this.ranges[0] = { low: range.low, high: last };
    else this.ranges[0] = { low: { suffix: last.suffix, id: after(last.id) }, high: range.high };
    this.size = Math.min(this.size * 4, CHUNK_MAX);
    return true;
  }

  private bound({ suffix, id }: Place): [Buffer, Buffer] {
    return suffix === undefined ? [this.end, EMPTY] : [Buffer.concat([this.prefix, suffix]), id];
  }

  count(most: number): number {
    let total = 0;
    for (const range of this.ranges) {
      if (total >= most) break;
      const row = this.store
        .statement(
          `SELECT count(*) AS n FROM
           (SELECT 1 FROM entries WHERE (key, id) >= (?, ?) AND (key, id) < (?, ?) LIMIT ?)`,
        )
        .get(...this.bound(range.low), ...this.bound(range.high), most - total) as { n: number };
      total += row.n;
    }
    this.scanned += total;
    return total;
  }
}

function comparePlaces(left: Place, right: Place): number {
  if (left.suffix === undefined || right.suffix === undefined) {
    return Number(left.suffix === undefined) - Number(right.suffix === undefined);
  }
  return Buffer.compare(left.suffix, right.suffix) || Buffer.compare(left.id, right.id);
}

export const greatest = (left: Place, right: Place): Place =>
  comparePlaces(left, right) >= 0 ? left : right;
export const least = (left: Place, right: Place): Place => (comparePlaces(left, right) <= 0 ? left : right);
export const isEmptyRange = ({ low, high }: Range): boolean => comparePlaces(low, high) >= 0;

/** Reads the documents of one collection by id, fields and all. */
export class DocumentScan implements Source {
  scanned = 0;
  private readonly store: Store;
  private readonly collection: number;
  private readonly reverse: boolean;
  private low: Buffer;
  private high: Buffer;
  private chunk: Row[] = [];
  private position = 0;
  private size: number;
  private ended = false;

  constructor(
    store: Store,
    collection: number,
    range: Range,
    { reverse = false, expected }: ScanOptions = {},
  ) {
    this.store = store;
    this.size = firstChunk(expected, DOCUMENTS_CHUNK_MAX);
    this.collection = collection;
    this.reverse = reverse;
    this.low = range.low.id;
    this.high = range.high.suffix === undefined ? BEHIND_IDS : range.high.id;
  }

  next(): Row | undefined {
    if (this.position >= this.chunk.length) this.fill();
    return this.chunk[this.position++];
  }

  seek(target: Row): void {
    while (this.position < this.chunk.length) {
      const order = compareRows(this.chunk[this.position] as Row, target);
      if (this.reverse ? order <= 0 : order >= 0) return;
      this.position += 1;
    }
    if (this.reverse) this.high = Buffer.compare(this.high, target.id) > 0 ? after(target.id) : this.high;
    else this.low = Buffer.compare(this.low, target.id) < 0 ? target.id : this.low;
  }

  count(most: number): number {
    const whole = this.low.length === 0 && this.high.equals(BEHIND_IDS);
    const total = whole
      ? Math.min(this.store.sizeOf(this.collection), most)
      : this.store.countDocuments(this.collection, this.low, this.high, most);
    this.scanned += total;
    return total;
  }

  private fill(): void {
    if (this.ended) return;
    const page = this.store.documentPage(this.collection, {
      low: this.low,
      high: this.high,
      reverse: this.reverse,
      limit: this.size,
    });
    this.chunk = page.map(({ id, document }) => ({ suffix: EMPTY, id, document }));
    this.position = 0;
    this.scanned += page.length;
    this.ended = page.length === 0;
    const last = page.at(-1);
    if (last !== undefined && this.reverse) this.high = last.id;
    else if (last !== undefined) this.low = after(last.id);
    this.size = Math.min(this.size * 4, DOCUMENTS_CHUNK_MAX);
  }
}

/** The rows that all sources have in common. Each source skips to the position of the furthest one. */
export class JoinedScan implements Source {
  private readonly sources: readonly Source[];
  private readonly reverse: boolean;
  /** The row each source stands at; undefined before the first and behind the last. */
  private readonly heads: (Row | undefined)[];

  constructor(sources: readonly Source[], reverse: boolean) {
    this.sources = sources;
    this.reverse = reverse;
    this.heads = sources.map(() => undefined);
  }

  get scanned(): number {
    return this.sources.reduce((sum, source) => sum + source.scanned, 0);
  }

  private isBefore(row: Row, target: Row): boolean {
    const order = compareRows(row, target);
    return this.reverse ? order > 0 : order < 0;
  }

  next(): Row | undefined {
    let target = this.sources[0]?.next();
    let agreed = 0;
    for (
      let at = 0;
      target !== undefined && agreed < this.sources.length;
      at = (at + 1) % this.sources.length
    ) {
      const head = at === 0 && agreed === 0 ? target : this.headFrom(at, target);
      if (head === undefined) return undefined;
      agreed = compareRows(head, target) === 0 ? agreed + 1 : 1;
      target = head;
      this.heads[at] = head;
    }
    return target;
  }

  /** The first row of a source that is not before the target. */
  private headFrom(at: number, target: Row): Row | undefined {
    const head = this.heads[at];
    if (head !== undefined && !this.isBefore(head, target)) return head;
    const source = this.sources[at];
    source?.seek(target);
    return source?.next();
  }

  seek(row: Row): void {
    for (const source of this.sources) source.seek(row);
  }
}
