import {
  DATABASE_SCOPE,
  type Entry,
  type EntryMaker,
  type EntryTarget,
  GROUP_SCOPE,
  keyPrefix,
} from "./entries.ts";
import { fieldsOf } from "./fields.ts";
import { GROUP_NAMES_SLOT, NAMES_SLOT } from "./schema.ts";
import type { Store, StoredDocument } from "./store.ts";
import type { Fields, Value } from "./value.ts";

/** Whether a document has an entry or not. The last step counts. */
interface Step {
  readonly id: Buffer;
  readonly present: boolean;
}

/**
 * The steps that wait for one index, by the rest of the key. Most keys have a single step, which needs no
 * list.
 */
type Waiting = Map<string, Step | Step[]>;

/**
 * Approximate memory: of a key beside its text, of a document's id with its step, and of a further step under
 * a key.
 */
const KEY_BYTES = 80;
const ID_BYTES = 200;
const LINK_BYTES = 10;
/** The number of entries written between two checks of the clock. */
const WRITES_PER_LOOK = 256;
/** Entries inserted by one statement: measured half the time of one statement for each. */
const ROWS_PER_INSERT = 32;
const INSERT_ONE = "INSERT OR IGNORE INTO entries VALUES (?, ?)";
const INSERT_MANY = INSERT_ONE + ", (?, ?)".repeat(ROWS_PER_INSERT - 1);

/** Entries on their way to the index, by key. Steps under one key are taken in the order they came. */
export class EntryQueue {
  private readonly store: Store;
  private readonly indexes = new Map<string, Waiting>();
  /**
   * The indexes in the order of their keys, as of the last sort. The indexes after `round` are still to come.
   */
  private order: readonly string[] = [];
  private round = 0;
  /** The keys of one index that are being written in order, and how far. */
  private sorted: { readonly prefix: string; readonly suffixes: readonly string[] } | undefined;
  private position = 0;
  private inserts: Buffer[] = [];
  private last: Step | undefined;
  /** Steps that wait. */
  size = 0;
  /** About how much memory they take, those included that were written since there were none. */
  bytes = 0;

  constructor(store: Store) {
    this.store = store;
  }

  clear(): void {
    this.indexes.clear();
    this.order = [];
    this.round = 0;
    this.sorted = undefined;
    this.inserts = [];
    this.size = 0;
    this.bytes = 0;
  }

  add({ prefix, suffix, id }: Entry, present: boolean): void {
    let waiting = this.indexes.get(prefix);
    if (waiting === undefined) {
      waiting = new Map();
      this.indexes.set(prefix, waiting);
    }
    // The entries of one document come one after the other and share their step.
    if (this.last?.id !== id || this.last.present !== present) {
      this.last = { id, present };
      this.bytes += ID_BYTES;
    }
    const known = waiting.get(suffix);
    this.bytes += known === undefined ? KEY_BYTES + suffix.length : LINK_BYTES;
    if (known === undefined) waiting.set(suffix, this.last);
    else if (Array.isArray(known)) known.push(this.last);
    else waiting.set(suffix, [known, this.last]);
    this.size += 1;
  }

  /** Inside a write: writes entries in the order of the keys until the time is up. */
  writeUntil(until: number): void {
    for (let written = 0; this.size > 0;) {
      const { prefix, suffixes } = this.sorted ?? this.sort();
      const suffix = suffixes[this.position++];
      if (suffix === undefined) {
        this.sorted = undefined;
        continue;
      }
      written += this.write(prefix, suffix);
      if (written < WRITES_PER_LOOK) continue;
      if (performance.now() >= until) break;
      written = 0;
    }
    this.insert();
  }

  /**
   * Takes the next index in the order of the keys, so that consecutive work touches neighbouring pages. There
   * may be thousands of indexes, so they are sorted once per round; new ones wait for the next round.
   */
  private sort(): { readonly prefix: string; readonly suffixes: readonly string[] } {
    if (this.round >= this.order.length) {
      this.order = [...this.indexes.keys()].sort();
      this.round = 0;
    }
    const prefix = this.order[this.round] ?? "";
    this.round += 1;
    const suffixes = [...(this.indexes.get(prefix)?.keys() ?? [])].sort();
    this.sorted = { prefix, suffixes };
    this.position = 0;
    return this.sorted;
  }

  /** Inside a write: writes what waits for one key of an index, or (undefined) for all of its keys. */
  writeIndex(prefix: string, suffix: string | undefined): void {
    const suffixes = suffix === undefined ? [...(this.indexes.get(prefix)?.keys() ?? [])].sort() : [suffix];
    for (const each of suffixes) this.write(prefix, each);
    this.insert();
  }

  /** Inside a write: writes all indexes of a scope. */
  writeScope(scope: string): void {
    const prefixes = [...this.indexes.keys()].filter((prefix) => prefix.startsWith(scope));
    for (const prefix of prefixes.sort()) this.writeIndex(prefix, undefined);
  }

  private write(prefix: string, suffix: string): number {
    const waiting = this.indexes.get(prefix);
    const steps = waiting?.get(suffix);
    if (waiting === undefined || steps === undefined) return 0;
    const key = Buffer.from(prefix + suffix, "latin1");
    const list = Array.isArray(steps) ? lastWords(steps) : [steps];
    for (const { id, present } of list) {
      if (!present) this.store.statement("DELETE FROM entries WHERE key = ? AND id = ?").run(key, id);
      else if (this.inserts.push(key, id) === ROWS_PER_INSERT * 2) this.insert();
    }
    waiting.delete(suffix);
    if (waiting.size === 0) this.indexes.delete(prefix);
    const taken = Array.isArray(steps) ? steps.length : 1;
    this.size -= taken;
    if (this.size === 0) this.bytes = 0;
    return taken;
  }

  private insert(): void {
    const rows = this.inserts;
    this.inserts = [];
    if (rows.length === ROWS_PER_INSERT * 2) {
      this.store.statement(INSERT_MANY).run(...rows);
      return;
    }
    for (let at = 0; at < rows.length; at += 2) {
      this.store.statement(INSERT_ONE).run(rows[at] as Buffer, rows[at + 1] as Buffer);
    }
  }
}

/** One step for each document, so that insertions and deletions may be done in any order. */
function lastWords(steps: readonly Step[]): Iterable<Step> {
  if (steps.every(({ present }) => present)) return steps;
  return new Map(steps.map((step) => [step.id.toString("latin1"), step])).values();
}

export function addGroupName(queue: EntryQueue, target: EntryTarget): void {
  queue.add(groupName(target), true);
}

const keyText = (scope: number, id: number, slot: number): string =>
  keyPrefix(scope, id, slot).toString("latin1");

const groupName = ({ collection, path }: EntryTarget): Entry => ({
  prefix: keyText(GROUP_SCOPE, collection.groupId, GROUP_NAMES_SLOT),
  suffix: "",
  id: path,
});

export interface DocumentChange {
  readonly before: StoredDocument | undefined;
  readonly after: StoredDocument | undefined;
}

/** Adds the entries that one state of a document has and the other has not. */
export function addDifference(
  queue: EntryQueue,
  maker: EntryMaker,
  target: EntryTarget,
  { before, after }: DocumentChange,
): void {
  if ((before === undefined) !== (after === undefined)) {
    const prefix = keyText(DATABASE_SCOPE, target.collection.database.id, NAMES_SLOT);
    queue.add({ prefix, suffix: "", id: target.path }, after !== undefined);
    queue.add(groupName(target), after !== undefined);
  }
  const old: Fields = before === undefined ? new Map() : fieldsOf(before);
  const now: Fields = after === undefined ? new Map() : fieldsOf(after);
  const removed: Entry[] = [];
  const added: Entry[] = [];
  for (const [name, value] of old) {
    if (!isSame(value, now.get(name))) maker.ofField(target, name, value, removed);
  }
  for (const [name, value] of now) {
    if (!isSame(value, old.get(name))) maker.ofField(target, name, value, added);
  }
  if (before !== undefined) maker.ofComposites(target, old, removed);
  if (after !== undefined) maker.ofComposites(target, now, added);
  // A key says by itself whether its entry goes by id or by path, so keys alone tell entries apart.
  const keyOf = ({ prefix, suffix }: Entry): string => prefix + suffix;
  const kept = new Set(removed.length === 0 ? [] : added.map(keyOf));
  const had = new Set(removed.map(keyOf));
  for (const entry of removed) if (!kept.has(keyOf(entry))) queue.add(entry, false);
  for (const entry of added) if (had.size === 0 || !had.has(keyOf(entry))) queue.add(entry, true);
}

function isSame(left: Value, right: Value | undefined): boolean {
  if (right === undefined || left.type !== right.type) return false;
  switch (left.type) {
    case "string":
      return left.utf8.equals((right as typeof left).utf8);
    case "integer":
    case "boolean":
      return left.value === (right as typeof left).value;
    case "timestamp":
      return left.seconds === (right as typeof left).seconds && left.nanos === (right as typeof left).nanos;
    case "null":
      return true;
    case "array": {
      const { values } = right as typeof left;
      return (
        left.values.length === values.length && left.values.every((value, i) => isSame(value, values[i]))
      );
    }
    default:
      // Other types are compared by their entries. A wrong "different" costs time but never a wrong index.
      return false;
  }
}
