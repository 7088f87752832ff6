import type { IndexCatalog } from "./catalog.ts";
import {
  COLLECTION_SCOPE,
  DATABASE_SCOPE,
  type Entry,
  EntryMaker,
  type EntryTarget,
  entryTarget,
  GROUP_SCOPE,
  keyPrefix,
  scopePrefix,
} from "./entries.ts";
import { decodeFields } from "./fields.ts";
import { successor } from "./key.ts";
import { pathKey } from "./path.ts";
import { GROUP_NAMES_SLOT, NAMES_SLOT } from "./schema.ts";
import type { Collection, Store, StoredDocument } from "./store.ts";
import type { Micros } from "./time.ts";
import type { Fields, Value } from "./value.ts";

/** Changes that may wait for their entries before some are made without being asked. */
const WAITING_CHANGES_MAX = 500;
/** Quiet after which waiting entries are made. */
const QUIET_MS = 50;
/** Documents read at a time when a group's entries are made anew. */
const REBUILD_PAGE = 500;

interface Lag {
  /** The time the collection's entries stand at. */
  readonly since: Micros;
  changes: number;
}

/**
 * Keeps index entries in step with documents, late: a commit writes the document and its version
 * only, and the entries follow when a query needs them, in batches when many wait, or in a quiet
 * moment. Sorted batches touch each page of the index once, and a document that changed a hundred
 * times is compared once. The versions since `unsettled.since` are the list of what to do, so
 * nothing is lost in a crash.
 */
export class IndexSettler {
  private readonly store: Store;
  private readonly catalog: IndexCatalog;
  private readonly lags = new Map<number, Lag>();
  private waiting = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(store: Store, catalog: IndexCatalog) {
    this.store = store;
    this.catalog = catalog;
    store.onForget(() => this.reload());
    this.reload();
  }

  /** Reads again which collections lag, at start and after rows were taken back. */
  reload(): void {
    this.lags.clear();
    this.waiting = 0;
    const rows = this.store.statement("SELECT collection, since FROM unsettled").all() as {
      collection: number;
      since: number;
    }[];
    for (const { collection, since } of rows) this.lags.set(collection, { since, changes: 1 });
    this.waiting = rows.length;
    if (rows.length > 0) this.wake();
  }

  /** Inside a commit: the collection changes at `time`. */
  changed(collection: number, time: Micros): void {
    const lag = this.lags.get(collection);
    if (lag === undefined) {
      const since = time - 1;
      this.store.statement("INSERT OR IGNORE INTO unsettled VALUES (?, ?)").run(collection, since);
      this.lags.set(collection, { since, changes: 1 });
    } else lag.changes += 1;
    this.waiting += 1;
    this.wake();
  }

  private wake(): void {
    if (this.waiting >= WAITING_CHANGES_MAX) {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.settleSome(), 0);
    } else this.timer ??= setTimeout(() => this.settleSome(), QUIET_MS);
    this.timer.unref();
  }

  /** Makes the entries of about one batch of changes, and comes back for more. */
  private settleSome(): void {
    this.timer = undefined;
    let done = 0;
    for (const [collection, { changes }] of this.lags) {
      if (done >= WAITING_CHANGES_MAX) break;
      done += changes;
      this.settle(collection);
    }
    if (this.lags.size > 0) this.wake();
  }

  settleGroup(groupId: number): void {
    for (const id of [...this.lags.keys()]) {
      if (this.store.collectionById(id).groupId === groupId) this.settle(id);
    }
  }

  settleDatabase(databaseId: number): void {
    for (const id of [...this.lags.keys()]) {
      if (this.store.collectionById(id).database.id === databaseId) this.settle(id);
    }
  }

  settleAll(): void {
    for (const id of [...this.lags.keys()]) this.settle(id);
  }

  /** Brings a collection's entries up to now; afterwards they can be read. */
  settle(collectionId: number): void {
    const lag = this.lags.get(collectionId);
    if (lag === undefined) return;
    const collection = this.store.collectionById(collectionId);
    this.lags.delete(collectionId);
    this.waiting -= lag.changes;
    const work = (): void => {
      this.follow(collection, lag.since);
      this.store.statement("DELETE FROM unsettled WHERE collection = ?").run(collectionId);
    };
    // Entries can be made again from what is kept, so nobody waits for them to be on disk.
    this.store.write(work).catch(ignoreLoss);
  }

  private follow(collection: Collection, since: Micros): void {
    const maker = new EntryMaker(this.catalog, collection);
    const collectionKey = pathKey(collection.path);
    const stale: Entry[] = [];
    const fresh: Entry[] = [];
    for (const { id, before } of this.store.changedSince(collection.id, since)) {
      const target = entryTarget(collection, collectionKey, id);
      const after = this.store.readDocument(collection.id, id);
      if ((before === undefined) !== (after === undefined)) {
        addNames(target, after === undefined ? stale : fresh);
      }
      compare(maker, target, before, after, stale, fresh);
    }
    this.apply(stale, fresh);
  }

  private apply(stale: Entry[], fresh: Entry[]): void {
    const remove = this.store.statement("DELETE FROM entries WHERE key = ? AND id = ?");
    const insert = this.store.statement("INSERT OR IGNORE INTO entries VALUES (?, ?)");
    for (const { key, id } of sorted(stale)) remove.run(key, id);
    for (const { key, id } of sorted(fresh)) insert.run(key, id);
  }

  /**
   * Makes all entries of a group's collections anew, in every database, after its indexes changed.
   * Each page is a write of its own; whoever calls records the change only afterwards.
   */
  rebuildGroup(name: string): void {
    for (const { id: groupId } of this.store.groupsNamed(name)) {
      this.clear(scopePrefix(GROUP_SCOPE, groupId));
      for (const collectionId of this.store.collectionIdsOfGroup(groupId)) {
        this.settle(collectionId);
        this.clear(scopePrefix(COLLECTION_SCOPE, collectionId));
        this.rebuildCollection(this.store.collectionById(collectionId));
      }
    }
  }

  private clear(prefix: Buffer): void {
    const clear = this.store.statement("DELETE FROM entries WHERE key >= ? AND key < ?");
    this.inBackground(() => clear.run(prefix, successor(prefix)));
  }

  private rebuildCollection(collection: Collection): void {
    const maker = new EntryMaker(this.catalog, collection);
    const collectionKey = pathKey(collection.path);
    let low: Uint8Array = Buffer.alloc(0);
    for (;;) {
      const page = this.store.documentPage(collection.id, low, Buffer.alloc(1, 0xff), false, REBUILD_PAGE);
      const fresh: Entry[] = [];
      for (const { id, document } of page) {
        const target = entryTarget(collection, collectionKey, id);
        fresh.push({ key: groupNamesKey(collection), id: target.path });
        compare(maker, target, undefined, document, [], fresh);
      }
      this.inBackground(() => this.apply([], fresh));
      const last = page.at(-1);
      if (last === undefined || page.length < REBUILD_PAGE) return;
      low = Buffer.concat([last.id, Buffer.alloc(1)]);
    }
  }

  private inBackground(work: () => void): void {
    this.store.write(work).catch(ignoreLoss);
    this.store.database.flush();
  }

  close(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }
}

/** What was lost is still listed in `unsettled`, and is done again. */
const ignoreLoss = (): void => undefined;

const groupNamesKey = (collection: Collection): Buffer =>
  keyPrefix(GROUP_SCOPE, collection.groupId, GROUP_NAMES_SLOT);

function addNames(target: EntryTarget, out: Entry[]): void {
  const { collection, path } = target;
  out.push({ key: keyPrefix(DATABASE_SCOPE, collection.database.id, NAMES_SLOT), id: path });
  out.push({ key: groupNamesKey(collection), id: path });
}

function sorted(entries: Entry[]): Entry[] {
  return entries.sort(
    (left, right) => Buffer.compare(left.key, right.key) || Buffer.compare(left.id, right.id),
  );
}

/** Adds the entries that one state of a document has and the other has not. */
function compare(
  maker: EntryMaker,
  target: EntryTarget,
  before: StoredDocument | undefined,
  after: StoredDocument | undefined,
  stale: Entry[],
  fresh: Entry[],
): void {
  const old: Fields = before === undefined ? new Map() : decodeFields(before.fields);
  const now: Fields = after === undefined ? new Map() : decodeFields(after.fields);
  const removed: Entry[] = [];
  const added: Entry[] = [];
  for (const [name, value] of old) {
    if (!sameValue(value, now.get(name))) maker.ofField(target, name, value, removed);
  }
  for (const [name, value] of now) {
    if (!sameValue(value, old.get(name))) maker.ofField(target, name, value, added);
  }
  if (before !== undefined) maker.ofComposites(target, old, removed);
  if (after !== undefined) maker.ofComposites(target, now, added);
  keepDifference(removed, added, stale, fresh);
}

function keepDifference(removed: Entry[], added: Entry[], stale: Entry[], fresh: Entry[]): void {
  if (removed.length === 0) {
    fresh.push(...added);
    return;
  }
  const kept = new Set(added.map(textOf));
  const had = new Set(removed.map(textOf));
  for (const entry of removed) if (!kept.has(textOf(entry))) stale.push(entry);
  for (const entry of added) if (!had.has(textOf(entry))) fresh.push(entry);
}

/** Ids are told apart by length alone within one document: by id, or by path. */
const textOf = ({ key, id }: Entry): string => `${id.length}:${key.toString("latin1")}`;

function sameValue(left: Value, right: Value | undefined): boolean {
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
