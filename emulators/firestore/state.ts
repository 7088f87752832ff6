import type { Clock } from "../kernel/clock.ts";
import { openDatabase } from "../kernel/database.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { Physics } from "../kernel/physics.ts";
import { projectOf } from "../kernel/rpc.ts";
import { StatusError } from "../kernel/status-error.ts";
import { IndexCatalog } from "./catalog.ts";
import type { IndexFile } from "./index-file.ts";
import { READ_TIME_WINDOW_MS } from "./limits.ts";
import { contention, type Holder } from "./locks.ts";
import { hasChanged } from "./optimistic.ts";
import { CommitPhysics, CONTENTION_WAIT_MS_MAX, READ_MS } from "./physics.ts";
import { QueryEngine } from "./run.ts";
import { prepareSchema } from "./schema.ts";
import { IndexSettler } from "./settle.ts";
import type { DatabaseRow } from "./collection-rows.ts";
import { Store } from "./store.ts";
import type { Micros } from "./time.ts";
import { type Transaction, Transactions } from "./transaction.ts";
import { type Change, type Draft, Writer } from "./write-apply.ts";
import type { Write } from "./write-parse.ts";

export type Published = (database: string, changes: readonly Change[], time: Micros) => void;

/** A commit that listeners have not seen yet. They see commits in order, once these are on disk. */
interface Announcement {
  readonly database: string;
  readonly draft: Draft;
  kept: boolean;
}

/** A commit that has its locks. */
interface Timed {
  readonly database: DatabaseRow;
  readonly writes: readonly Write[];
  readonly holder: Holder;
  readonly documents: readonly string[];
}

/** Everything the emulator knows, and how it changes. */
export class FirestoreState {
  readonly store: Store;
  readonly catalog: IndexCatalog;
  readonly settler: IndexSettler;
  readonly engine: QueryEngine;
  /** Tells this file's tokens and transactions from another's. */
  readonly incarnation: Buffer;
  /** Called for every commit that changed something, once it is on disk, in the order of commit times. */
  published: Published = () => undefined;
  private readonly clock: Clock;
  private readonly physics: Physics;
  private readonly writer: Writer;
  private readonly transactions = new Map<string, Transactions>();
  private readonly commitPhysics = new Map<string, CommitPhysics>();
  private announcements: Announcement[] = [];

  constructor(
    { clock, physics }: Pick<Kernel, "clock" | "physics">,
    path: string | undefined,
    file: IndexFile | undefined,
    project?: string,
  ) {
    this.clock = clock;
    this.physics = physics;
    const database = openDatabase(path, () => this.store.forget());
    prepareSchema(database.sql);
    this.store = new Store(database);
    this.store.onForget(() => {
      this.announcements = this.announcements.filter(({ kept }) => kept);
    });
    this.catalog = new IndexCatalog(this.store, file, project);
    this.settler = new IndexSettler(this.store, this.catalog);
    this.engine = new QueryEngine(this.store, this.catalog, this.settler);
    this.writer = new Writer(this.store, this.catalog, this.settler);
    this.incarnation = this.readMeta("incarnation") as Buffer;
    this.adoptIndexes();
  }

  readMeta(name: string): Buffer | undefined {
    const row = this.store.statement("SELECT value FROM meta WHERE name = ?").get(name) as
      | { value: Uint8Array }
      | undefined;
    return row === undefined ? undefined : Buffer.from(row.value);
  }

  private writeMeta(name: string, value: Buffer): void {
    this.store.statement("INSERT OR REPLACE INTO meta VALUES (?, ?)").run(name, value);
  }

  /** Makes entries anew for the groups whose indexes are not those of the last start. */
  private adoptIndexes(): void {
    const before = JSON.parse(this.readMeta("indexes")?.toString() ?? "{}") as Record<string, string>;
    const now: Record<string, string> = {};
    for (const group of this.catalog.groupNames()) now[group] = this.catalog.fingerprint(group);
    const changed = new Set([...Object.keys(before), ...Object.keys(now)]);
    for (const group of changed) if (before[group] !== now[group]) this.settler.rebuildGroup(group);
    this.store.database.flush();
    this.writeMeta("indexes", Buffer.from(JSON.stringify(now)));
  }

  transactionsOf(database: string): Transactions {
    let transactions = this.transactions.get(database);
    if (transactions === undefined) {
      transactions = new Transactions(this.clock, this.incarnation);
      this.transactions.set(database, transactions);
    }
    return transactions;
  }

  /** How commits of this database wait and take their time; undefined: they don't. */
  private physicsOf(database: string): CommitPhysics | undefined {
    if (!this.physics.holdsIn(projectOf(database))) return undefined;
    let physics = this.commitPhysics.get(database);
    if (physics === undefined) {
      physics = new CommitPhysics();
      this.commitPhysics.set(database, physics);
    }
    return physics;
  }

  /** A time for reading what is there now; commits from here on are later. */
  readTime(database: DatabaseRow): Micros {
    database.time = Math.max(this.clock.now() * 1000, database.time);
    return database.time;
  }

  private commitTime(database: DatabaseRow): Micros {
    database.time = Math.max(this.clock.now() * 1000, database.time + 1);
    return database.time;
  }

  /** Checks that documents can still be read as of `time`. */
  checkReadTime(database: DatabaseRow, time: Micros): Micros {
    const now = this.readTime(database);
    if (time > now) throw new StatusError("INVALID_ARGUMENT", "read_time cannot be in the future.");
    if (time < now - READ_TIME_WINDOW_MS * 1000 || time < this.versionsFrom) {
      throw new StatusError("FAILED_PRECONDITION", "The requested snapshot version is too old.");
    }
    return time;
  }

  /** Versions replaced at or before this time may be gone. */
  get versionsFrom(): Micros {
    const kept = this.readMeta("versions from");
    return kept === undefined ? 0 : Number(kept.toString());
  }

  forgetVersions(before: Micros): void {
    this.writeMeta("versions from", Buffer.from(String(before)));
  }

  /**
   * Commits the writes, all or none, and resolves when they are on disk. Waits for transactions that
   * hold a document written to, or that searched where it would be found.
   */
  async commit(
    database: DatabaseRow,
    writes: readonly Write[],
    transaction: Transaction | undefined,
    signal: () => AbortSignal,
  ): Promise<Draft> {
    const transactions = this.transactionsOf(database.name);
    const physics = this.physicsOf(database.name);
    if (transactions.idle && physics === undefined) return this.commitNow(database, writes);
    const patienceMs = physics === undefined ? undefined : CONTENTION_WAIT_MS_MAX;
    const holder: Holder = transaction ?? transactions.passing(patienceMs);
    let leave = (): void => undefined;
    try {
      const documents = [...new Set(writes.map(({ path }) => `${path.collection}/${path.id}`))];
      leave = physics?.enter(documents) ?? leave;
      await transactions.locks.acquire(holder, documents, "write", signal());
      if (physics !== undefined) await this.takeTime(physics, { database, writes, holder, documents });
      for (;;) {
        const { optimisticReads } = transaction ?? {};
        if (optimisticReads !== undefined && hasChanged(this, database, optimisticReads)) throw contention();
        const draft = this.writer.draft(database, writes, this.commitTime(database));
        const searcher = transactions.searcher(draft.changes, holder);
        if (searcher === undefined) {
          const kept = this.keep(database, draft);
          if (transaction === undefined) transactions.locks.release(holder);
          else transactions.end(transaction);
          return await kept;
        }
        await transactions.locks.waitForEnd(holder, searcher, signal());
      }
    } finally {
      leave();
      if (transaction === undefined) transactions.locks.release(holder);
      else transactions.end(transaction);
    }
  }

  /** Holds the locked documents for as long as Firestore takes to commit, or to refuse, these writes. */
  private async takeTime(
    physics: CommitPhysics,
    { database, writes, holder, documents }: Timed,
  ): Promise<void> {
    let draft: Draft;
    try {
      draft = this.writer.draft(database, writes, this.readTime(database));
    } catch (cause) {
      await physics.pause(READ_MS);
      throw cause;
    }
    const changed = draft.changes.map(({ collection, id }) => `${collection}/${id}`);
    await physics.pause(physics.commitMs(changed, this.writer.entriesMoved(draft.changes)));
    // Meanwhile an older transaction may have taken the locks away.
    if (documents.some((document) => !holder.held.has(document))) throw contention();
  }

  private commitNow(database: DatabaseRow, writes: readonly Write[]): Promise<Draft> {
    return this.keep(database, this.writer.draft(database, writes, this.commitTime(database)));
  }

  private async keep(database: DatabaseRow, draft: Draft): Promise<Draft> {
    if (draft.changes.length === 0) {
      await this.store.database.settled().catch(unavailable);
      return draft;
    }
    const written = this.store.write(() => this.writer.keep(database, draft));
    const announcement: Announcement = { database: database.name, draft, kept: false };
    this.announcements.push(announcement);
    await written.catch(unavailable);
    announcement.kept = true;
    this.announce();
    await this.settler.keepsUp();
    return draft;
  }

  private announce(): void {
    while (this.announcements[0]?.kept === true) {
      const { database, draft } = this.announcements.shift() as Announcement;
      this.published(database, draft.changes, draft.time);
    }
  }

  /**
   * Flushes everything to disk and notifies listeners, so that a new listener can start from the current
   * state.
   */
  publishNow(): void {
    const waiting = [...this.announcements];
    this.store.database.flush();
    for (const announcement of waiting) {
      // Lost commits have been removed from the list.
      if (this.announcements.includes(announcement)) announcement.kept = true;
    }
    this.announce();
  }

  /** Resolves when everything that has been read so far is on disk. */
  settled(): Promise<void> {
    return this.store.database.settled().catch(unavailable);
  }

  close(): void {
    for (const transactions of this.transactions.values()) transactions.close();
    this.settler.close();
    this.store.database.close();
  }
}

/** A change that could not be written to disk has not happened; the caller may try again. */
function unavailable(cause: unknown): never {
  if (cause instanceof StatusError) throw cause;
  throw new StatusError("UNAVAILABLE", `The emulator could not write to its file: ${String(cause)}`);
}
