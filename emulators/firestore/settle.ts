import { StatusError } from "../kernel/status-error.ts";
import type { CompositeIndex, IndexCatalog } from "./catalog.ts";
import {
  DATABASE_SCOPE,
  EntryMaker,
  entryTarget,
  GROUP_SCOPE,
  PREFIX_BYTES,
  scopePrefix,
} from "./entries.ts";
import { addDifference, EntryQueue } from "./entry-queue.ts";
import { pathKey } from "./path.ts";
import { fillIndex, type Rebuilding, rebuildGroup } from "./rebuild.ts";
import type { Store } from "./store.ts";
import type { Micros } from "./time.ts";
import { changesSince, type Lag, type Unsettled, workOf } from "./unsettled.ts";

/**
 * Long, as it is one piece of work that has to be seen whole: index entries are written in the background, in
 * order, and what each step may leave behind decides the next.
 */

/**
 * How much work may wait before it starts without waiting for an idle moment. A change counts one, plus one
 * for each KiB.
 */
const WAITING_MAX = 1_000;
/**
 * Pending work stays in memory; beyond this amount, commits are acknowledged no faster than the work is done.
 */
const BEHIND_MAX = 3_000;
/** How long work on entries rests after the disk refused it. */
const REFUSED_REST_MS = 1_000;
/** How long nothing is written before entries are made that could still wait for others. */
const QUIET_MS = 100;
/** How long entries are made without a pause while requests wait for their turn … */
const STRETCH_MS = 3;
/** … plus as much again for each such amount of pending work, so that the backlog stays bounded. */
const STRETCH_WORK = 75;
/** Memory of entries that are collected before they are written: more at once touch each page less often. */
const COLLECTED_BYTES_MAX = 6 * 1024 * 1024;
/** The number of changes worked out between two checks of the clock. */
const COLLECT_CHANGES = 16;

/**
 * Keeps index entries in step with documents, late: a commit writes the document and its version
 * only, and the entries follow when a query needs them, when many wait, or in a quiet moment. Many
 * at once are sorted first, so that each page of the index is touched once, and a document that
 * changed a hundred times is compared once. The versions since `unsettled.since` are the list of
 * what to do, so nothing is lost in a crash; while the process lives, the list is in memory too.
 */
export class IndexSettler {
  private readonly store: Store;
  private readonly catalog: IndexCatalog;
  private readonly lags = new Map<number, Lag>();
  /** Changes that have been taken from the backlog and whose entries are not worked out yet. */
  private readonly taken = new Map<number, Unsettled[]>();
  /** Collections that are settled once everything taken up is written. */
  private readonly settling = new Set<number>();
  private readonly queue: EntryQueue;
  private readonly rebuilding: Rebuilding;
  private waiting = 0;
  private changedMs = 0;
  /** Whether collected entries are being written: they are until none is left. */
  private writing = false;
  private timer: NodeJS.Timeout | undefined;
  private timerIsSoon = false;
  /** Commits that wait until less work is pending. */
  private held: (() => void)[] = [];
  private resting = false;
  private closed = false;

  constructor(store: Store, catalog: IndexCatalog) {
    this.store = store;
    this.catalog = catalog;
    this.queue = new EntryQueue(store);
    const inBackground = (work: () => void): void => this.inBackground(work);
    this.rebuilding = { store, catalog, queue: this.queue, inBackground };
    store.onForget(() => this.reload());
    this.reload();
  }

  /** Reads again which collections lag, at start and after rows were taken back. */
  private reload(): void {
    this.lags.clear();
    this.taken.clear();
    this.settling.clear();
    this.queue.clear();
    this.writing = false;
    const rows = this.store.statement("SELECT collection, since FROM unsettled").all() as {
      collection: number;
      since: number;
    }[];
    for (const { collection, since } of rows) this.lags.set(collection, { since, changes: undefined });
    this.waiting = 0;
    this.release();
    if (rows.length > 0) this.wake();
  }

  /** Inside a commit at `time`: a document of the collection changes. */
  changed(collection: number, time: Micros, change: Unsettled): void {
    let lag = this.lags.get(collection);
    if (lag === undefined) {
      lag = { since: time - 1, changes: new Map() };
      this.store.statement("INSERT OR IGNORE INTO unsettled VALUES (?, ?)").run(collection, lag.since);
      this.lags.set(collection, lag);
    }
    const key = change.id.toString("latin1");
    const earlier = lag.changes?.get(key);
    const whole = earlier === undefined ? change : { ...change, before: earlier.before };
    if (lag.changes !== undefined) {
      lag.changes.set(key, whole);
      this.waiting += workOf(whole) - (earlier === undefined ? 0 : workOf(earlier));
    }
    this.changedMs = performance.now();
    this.wake();
  }

  /** Resolves once little enough work is pending. No change should be acknowledged before. */
  keepsUp(): Promise<void> | undefined {
    if (this.waiting < BEHIND_MAX || this.resting || this.closed) return undefined;
    return new Promise((resolve) => this.held.push(resolve));
  }

  private release(): void {
    const released = this.held;
    this.held = [];
    for (const resolve of released) resolve();
  }

  private get due(): boolean {
    return this.waiting >= WAITING_MAX || this.writing || this.taken.size > 0;
  }

  private wake(): void {
    if (this.resting || this.closed) return;
    const soon = this.due;
    // A timer is not set anew with each change, or changes that follow each other fast would put it off.
    if (this.timer !== undefined && (this.timerIsSoon || !soon)) return;
    this.workIn(soon ? 0 : QUIET_MS);
    this.timerIsSoon = soon;
  }

  private workIn(ms: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.work(), ms);
    this.timer.unref();
    this.timerIsSoon = false;
  }

  /** Works for a stretch, and comes back for the rest. */
  private work(): void {
    this.timer = undefined;
    const started = performance.now();
    const quiet = started - this.changedMs;
    if (!this.due && quiet < QUIET_MS) return this.workIn(QUIET_MS - quiet);
    const until = started + STRETCH_MS * (1 + this.waiting / STRETCH_WORK);
    try {
      this.inBackground(() => this.workUntil(until, quiet >= QUIET_MS));
    } catch {
      // The disk failed; rest() has scheduled the next attempt.
      return;
    }
    if (this.waiting < BEHIND_MAX) this.release();
    if (this.settling.size > 0 || this.lags.size > 0) this.wake();
  }

  private workUntil(until: number, quiet: boolean): void {
    if (!this.writing) {
      for (const collection of this.lags.keys()) this.take(collection);
    }
    this.collectUntil(until);
    if (this.queue.bytes >= COLLECTED_BYTES_MAX || (quiet && this.taken.size === 0)) this.writing = true;
    if (this.writing) this.queue.writeUntil(until);
    if (this.queue.size > 0) return;
    this.writing = false;
    if (this.taken.size === 0) this.finish();
  }

  private collectUntil(until: number): void {
    while (this.queue.bytes < COLLECTED_BYTES_MAX && performance.now() < until) {
      const next = this.taken.keys().next();
      if (next.done === true) return;
      this.prepare(next.value, COLLECT_CHANGES);
    }
  }

  /** Takes up what waits in a collection. */
  private take(collectionId: number): void {
    const lag = this.lags.get(collectionId);
    if (lag === undefined) return;
    const changes =
      lag.changes === undefined
        ? changesSince(this.store, collectionId, lag.since)
        : [...lag.changes.values()];
    if (lag.changes === undefined) for (const change of changes) this.waiting += workOf(change);
    this.lags.delete(collectionId);
    this.taken.set(collectionId, [...(this.taken.get(collectionId) ?? []), ...changes]);
    this.settling.add(collectionId);
  }

  /** Works out the entries of changes that were taken up: of all, or of the last `most`. */
  private prepare(collectionId: number, most: number = Number.POSITIVE_INFINITY): void {
    const changes = this.taken.get(collectionId);
    if (changes === undefined) return;
    const collection = this.store.collectionById(collectionId);
    const maker = new EntryMaker(this.catalog, collection);
    const collectionKey = pathKey(collection.path);
    const first = changes.splice(0, most);
    for (const change of first) {
      const { id, before, after, between = [] } = change;
      this.waiting -= workOf(change);
      const target = entryTarget(collection, collectionKey, id);
      for (const state of between) addDifference(this.queue, maker, target, { before: state, after });
      addDifference(this.queue, maker, target, { before, after });
    }
    if (changes.length === 0) this.taken.delete(collectionId);
  }

  /** All that was taken up is written: the collections stand at what came since, if anything. */
  private finish(): void {
    for (const collection of this.settling) {
      const lag = this.lags.get(collection);
      if (lag === undefined) {
        this.store.statement("DELETE FROM unsettled WHERE collection = ?").run(collection);
      } else {
        const update = this.store.statement("UPDATE unsettled SET since = ? WHERE collection = ?");
        update.run(lag.since, collection);
      }
    }
    this.settling.clear();
  }

  /**
   * Brings up to now what a query reads of an index in a collection: all that is below the prefix, or
   * with `exact` the one key that it is. The index may come to be by this, so its prefix is asked for late.
   */
  settleCollection(collectionId: number, prefix: () => Buffer, exact: boolean): void {
    if (this.lags.has(collectionId) || this.settling.has(collectionId)) {
      this.bring([collectionId], () => this.writeIndex(prefix(), exact));
    }
  }

  /** The same for an index of a collection group. */
  settleGroupIndex(groupId: number, prefix: () => Buffer, exact: boolean): void {
    const members = this.membersOf(groupId);
    if (members.length > 0) this.bring(members, () => this.writeIndex(prefix(), exact));
  }

  private writeIndex(prefix: Buffer, exact: boolean): void {
    const key = prefix.toString("latin1");
    this.queue.writeIndex(key.slice(0, PREFIX_BYTES), exact ? key.slice(PREFIX_BYTES) : undefined);
  }

  /** Brings all entries of a collection group up to now. */
  settleGroup(groupId: number): void {
    const members = this.membersOf(groupId);
    const scope = scopePrefix(GROUP_SCOPE, groupId).toString("latin1");
    if (members.length > 0) this.bring(members, () => this.queue.writeScope(scope));
  }

  /** Brings the names of all documents of a database up to now. */
  settleDatabase(databaseId: number): void {
    const members = this.unsettled().filter((id) => this.store.collectionById(id).database.id === databaseId);
    const scope = scopePrefix(DATABASE_SCOPE, databaseId).toString("latin1");
    if (members.length > 0) this.bring(members, () => this.queue.writeScope(scope));
  }

  private membersOf(groupId: number): number[] {
    return this.unsettled().filter((id) => this.store.collectionById(id).groupId === groupId);
  }

  private unsettled(): number[] {
    return [...new Set([...this.lags.keys(), ...this.settling])];
  }

  /** Works out the entries of some collections and writes those that are asked for; others can wait. */
  private bring(collections: readonly number[], write: () => void): void {
    this.inBackground(() => {
      for (const collection of collections) {
        this.take(collection);
        this.prepare(collection);
      }
      write();
    });
    this.wake();
  }

  /** Settles everything now. */
  settleAll(): void {
    this.inBackground(() => {
      for (const collection of this.lags.keys()) this.take(collection);
      for (const collection of this.taken.keys()) this.prepare(collection);
      this.queue.writeUntil(Number.POSITIVE_INFINITY);
      this.writing = false;
      this.finish();
    });
  }

  /**
   * Makes all entries of a group's collections anew, in every database, after its indexes changed.
   * Each page is a write of its own; whoever calls records the change only afterwards.
   */
  rebuildGroup(name: string): void {
    this.settleAll();
    rebuildGroup(this.rebuilding, name);
  }

  /** Makes the entries of an index that is new, for the documents there are. */
  fill(index: CompositeIndex): void {
    fillIndex(this.rebuilding, index);
  }

  /**
   * Entries can be made again from what is kept, so nobody waits for them to be on disk. Throws where
   * they can't even be made: a query must not take old entries for new ones.
   */
  private inBackground(work: () => void): void {
    let failure: string | undefined = "its file is locked";
    const written = this.store.write(() => {
      try {
        work();
        failure = undefined;
      } catch (cause) {
        failure = String(cause);
        throw cause;
      }
    });
    written.catch(() => this.rest());
    if (failure !== undefined) {
      throw new StatusError("UNAVAILABLE", `The emulator could not bring its indexes up to date: ${failure}`);
    }
  }

  private rest(): void {
    if (this.resting || this.closed) return;
    this.resting = true;
    this.release();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.resting = false;
      this.timer = undefined;
      if (this.lags.size > 0 || this.settling.size > 0) this.wake();
    }, REFUSED_REST_MS);
    this.timer.unref();
  }

  close(): void {
    this.closed = true;
    this.release();
    clearTimeout(this.timer);
    this.timer = undefined;
  }
}
