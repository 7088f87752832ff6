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

/** Whether a document is to have an entry or not; the last word counts. */
interface Step {
  readonly id: Buffer;
  readonly present: boolean;
}

/** Entries written between looks at the clock. */
const WRITES_PER_LOOK = 64;

/** Entries on their way to the index, by key. Steps under one key are taken in the order they came. */
export class EntryQueue {
  private readonly store: Store;
  private readonly steps = new Map<string, Step[]>();
  private sorted: string[] = [];
  private position = 0;
  /** Steps that wait. */
  size = 0;

  constructor(store: Store) {
    this.store = store;
  }

  clear(): void {
    this.steps.clear();
    this.sorted = [];
    this.position = 0;
    this.size = 0;
  }

  add({ key, id }: Entry, present: boolean): void {
    const steps = this.steps.get(key);
    if (steps === undefined) this.steps.set(key, [{ id, present }]);
    else steps.push({ id, present });
    this.size += 1;
  }

  /** Inside a write: writes in the order of the keys until the clock says so. */
  writeUntil(until: number): void {
    let written = 0;
    while (this.size > 0) {
      if (this.position >= this.sorted.length) {
        this.sorted = [...this.steps.keys()].sort();
        this.position = 0;
      }
      const key = this.sorted[this.position++] as string;
      written += this.write(key);
      if (written < WRITES_PER_LOOK) continue;
      if (performance.now() >= until) return;
      written = 0;
    }
  }

  /** Inside a write: writes what begins with `prefix`. */
  writePrefix(prefix: string): void {
    const keys: string[] = [];
    for (const key of this.steps.keys()) if (key.startsWith(prefix)) keys.push(key);
    for (const key of keys.sort()) this.write(key);
  }

  private write(key: string): number {
    const steps = this.steps.get(key);
    if (steps === undefined) return 0;
    const bytes = Buffer.from(key, "latin1");
    const insert = this.store.statement("INSERT OR IGNORE INTO entries VALUES (?, ?)");
    const remove = this.store.statement("DELETE FROM entries WHERE key = ? AND id = ?");
    for (const { id, present } of steps) (present ? insert : remove).run(bytes, id);
    this.steps.delete(key);
    this.size -= steps.length;
    return steps.length;
  }
}

export function addGroupName(queue: EntryQueue, target: EntryTarget): void {
  queue.add(groupName(target), true);
}

const keyText = (scope: number, id: number, slot: number): string =>
  keyPrefix(scope, id, slot).toString("latin1");

const groupName = ({ collection, path }: EntryTarget): Entry => ({
  key: keyText(GROUP_SCOPE, collection.groupId, GROUP_NAMES_SLOT),
  id: path,
});

/** Adds the entries that one state of a document has and the other has not. */
export function addDifference(
  queue: EntryQueue,
  maker: EntryMaker,
  target: EntryTarget,
  before: StoredDocument | undefined,
  after: StoredDocument | undefined,
): void {
  if ((before === undefined) !== (after === undefined)) {
    const databaseId = target.collection.database.id;
    queue.add({ key: keyText(DATABASE_SCOPE, databaseId, NAMES_SLOT), id: target.path }, after !== undefined);
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
  const kept = new Set(removed.length === 0 ? [] : added.map(({ key }) => key));
  const had = new Set(removed.map(({ key }) => key));
  for (const entry of removed) if (!kept.has(entry.key)) queue.add(entry, false);
  for (const entry of added) if (!had.has(entry.key)) queue.add(entry, true);
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
    default:
      // Others are compared by their entries; saying "different" costs time, never truth.
      return false;
  }
}
