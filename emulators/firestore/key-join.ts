import type { Range, Row, Source, ScanOptions } from "./scan.ts";
import type { Store } from "./store.ts";

const EMPTY = Buffer.alloc(0);
const ZERO = Buffer.from([0]);
/** Ids are UTF-8, which never has this byte. */
const BEHIND_IDS = Buffer.from([0xff]);

/** Rows are read in chunks that grow, as where one index is scanned. */
const CHUNK_MIN = 16;
const CHUNK_MAX = 1_024;
/** How many entries of each list are counted to find the shortest list in the range that is read. */
const PROBE_ENTRIES = 256;

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/**
 * The documents that have an entry under each of several keys, by id: the "and" of equalities with one index
 * each. The database walks along the shortest list and looks each id up in the others, which is many times
 * faster than fetching the entries of all lists and comparing them here.
 */
export class KeyJoin implements Source {
  /** The entries found in all lists. The database does not report how many it read in only some of them. */
  scanned = 0;
  private readonly store: Store;
  private readonly reverse: boolean;
  private keys: readonly Buffer[];
  private low: Buffer;
  private high: Buffer;
  private chunk: Row[] = [];
  private position = 0;
  private size: number;
  private isOrdered = false;
  private ended = false;

  constructor(
    store: Store,
    keys: readonly Buffer[],
    range: Range,
    { reverse = false, expected }: ScanOptions = {},
  ) {
    this.store = store;
    this.keys = keys;
    this.reverse = reverse;
    this.low = range.low.id;
    this.high = range.high.suffix === undefined ? BEHIND_IDS : range.high.id;
    this.size = expected === undefined ? CHUNK_MIN : Math.min(Math.max(expected, 1), CHUNK_MAX);
  }

  next(): Row | undefined {
    if (this.position >= this.chunk.length) this.fill();
    return this.chunk[this.position++];
  }

  seek(target: Row): void {
    if (this.reverse) {
      const bound = Buffer.concat([target.id, ZERO]);
      if (Buffer.compare(bound, this.high) < 0) this.high = bound;
    } else if (Buffer.compare(target.id, this.low) > 0) this.low = target.id;
    this.chunk = [];
    this.position = 0;
  }

  private fill(): void {
    if (!this.isOrdered) this.orderKeys();
    if (this.ended) return;
    const [first, ...others] = this.keys;
    const direction = this.reverse ? "DESC" : "ASC";
    const conditions = others.map(
      () => "AND EXISTS (SELECT 1 FROM entries AS other WHERE other.key = ? AND other.id = entries.id)",
    );
    const rows = this.store
      .statement(
        `SELECT id FROM entries WHERE key = ? AND id >= ? AND id < ? ${conditions.join(" ")}
         ORDER BY id ${direction} LIMIT ?`,
      )
      .all(first ?? EMPTY, this.low, this.high, ...others, this.size) as unknown as { id: Uint8Array }[];
    this.chunk = rows.map(({ id }) => ({ suffix: EMPTY, id: asBuffer(id) }));
    this.position = 0;
    this.scanned += rows.length * this.keys.length;
    const last = this.chunk.at(-1);
    if (last === undefined || rows.length < this.size) this.ended = true;
    else if (this.reverse) this.high = last.id;
    else this.low = Buffer.concat([last.id, ZERO]);
    this.size = Math.min(this.size * 4, CHUNK_MAX);
  }

  /**
   * Sorts the shortest list first: the one that ends, or whose entries reach furthest, within PROBE_ENTRIES.
   */
  private orderKeys(): void {
    this.isOrdered = true;
    const probed = this.keys.map((key) => ({ key, ...this.probe(key) }));
    if (probed.some(({ count }) => count === 0)) this.ended = true;
    const order = this.reverse ? -1 : 1;
    this.keys = probed
      .sort((a, b) => {
        if (a.furthest === undefined || b.furthest === undefined) {
          return Number(a.furthest !== undefined) - Number(b.furthest !== undefined) || a.count - b.count;
        }
        return order * Buffer.compare(b.furthest, a.furthest);
      })
      .map(({ key }) => key);
  }

  /**
   * Counts the entries of a list up to PROBE_ENTRIES, and tells the last id; undefined when the list ended.
   */
  private probe(key: Buffer): { readonly count: number; readonly furthest: Buffer | undefined } {
    const row = this.store
      .statement(
        `SELECT count(*) AS n, ${this.reverse ? "min" : "max"}(id) AS furthest FROM
         (SELECT id FROM entries WHERE key = ? AND id >= ? AND id < ? ORDER BY id ${this.reverse ? "DESC" : "ASC"} LIMIT ?)`,
      )
      .get(key, this.low, this.high, PROBE_ENTRIES) as { n: number; furthest: Uint8Array | null };
    const furthest = row.n < PROBE_ENTRIES || row.furthest === null ? undefined : asBuffer(row.furthest);
    return { count: row.n, furthest };
  }
}
