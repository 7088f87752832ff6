import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { StatusError } from "./status-error.ts";

/**
 * A SQLite file with group commit: writes that arrive in one turn of the event loop share one
 * transaction and one flush to disk. A write is acknowledged after the flush, so what has been
 * acknowledged survives kill -9 of this process. After a power cut the file is whole, and may lack the last
 * moments: flushing the disk at each group (synchronous = FULL) measured six times the time of a group.
 */
export interface Database {
  readonly sql: DatabaseSync;
  /**
   * Runs `work` inside the open group and resolves with its result once the group is on disk.
   * Works run in the order of the calls, each seeing the effects of those before. `work` must be
   * synchronous; when it throws, its own effects are undone and only its promise rejects. Where the
   * disk is full or fails, nothing of the group is kept, and all its promises reject with UNAVAILABLE.
   */
  write<T>(work: () => T): Promise<T>;
  /**
   * Resolves once everything written so far is on disk, at once when it is already; rejects when it
   * could not be kept. Readers wait for this before they answer, so that nobody is shown what a
   * failed flush takes back.
   */
  settled(): Promise<void>;
  /** Puts the open group on disk now. */
  flush(): void;
  close(): void;
}

type Settle = () => void;

/** SQLite's primary result codes for what the file refuses: BUSY, READONLY, IOERR, FULL, CANTOPEN. */
const REFUSALS: ReadonlySet<number> = new Set([5, 8, 10, 13, 14]);

const isRefusal = (cause: unknown): boolean =>
  REFUSALS.has(((cause as { errcode?: number }).errcode ?? 0) & 0xff);

/**
 * The error for callers whose change could not be written to disk: it has not happened, and they may try
 * again.
 */
const unavailable = (cause: unknown): StatusError =>
  new StatusError("UNAVAILABLE", `The emulator could not write to its file: ${String(cause)}`);

/**
 * `path` undefined: a database in memory, for state that need not outlive the process. `onLost` is
 * called, before anyone waiting is told, when a group could not be kept: whoever mirrors rows in
 * memory reads them again.
 */
export function openDatabase(path: string | undefined, onLost: () => void = () => undefined): Database {
  if (path !== undefined) mkdirSync(dirname(path), { recursive: true });
  const sql = new DatabaseSync(path ?? ":memory:");
  sql.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    PRAGMA temp_store = MEMORY;
    PRAGMA cache_size = -65536;
    PRAGMA wal_autocheckpoint = 4000;
  `);
  const begin = sql.prepare("BEGIN IMMEDIATE");
  const commit = sql.prepare("COMMIT");
  const rollback = sql.prepare("ROLLBACK");
  const savepoint = sql.prepare("SAVEPOINT work");
  const release = sql.prepare("RELEASE work");
  const undo = sql.prepare("ROLLBACK TO work");

  let open = false;
  let waiting: { resolve: Settle; reject: (cause: unknown) => void }[] = [];

  /** Ends the open group and discards all of it. */
  const lose = (cause: unknown): void => {
    open = false;
    const lost = waiting;
    waiting = [];
    if (sql.isTransaction) rollback.run();
    onLost();
    for (const { reject } of lost) reject(unavailable(cause));
  };

  const flush = (): void => {
    if (!open) return;
    try {
      commit.run();
    } catch (cause) {
      // A full disk ends here: nothing of the group is kept and every caller is told.
      lose(cause);
      return;
    }
    open = false;
    const settled = waiting;
    waiting = [];
    for (const { resolve } of settled) resolve();
  };

  const takeBack = (cause: unknown, isFirst: boolean): void => {
    // When the disk fails in the middle of a work, SQLite may have rolled back the whole group.
    if (!sql.isTransaction) return lose(cause);
    if (isFirst && waiting.length === 0) {
      open = false;
      rollback.run();
      return;
    }
    if (isFirst) return lose(cause);
    undo.run();
    release.run();
  };

  return {
    sql,
    write(work) {
      return new Promise((resolve, reject) => {
        // The first work of a group is rolled back with the group. A savepoint would have SQLite copy every
        // page that the work changes, in memory.
        const isFirst = !open;
        try {
          if (isFirst) {
            begin.run();
            open = true;
            setImmediate(flush);
          } else savepoint.run();
        } catch (cause) {
          reject(unavailable(cause));
          return;
        }
        try {
          const result = work();
          if (!isFirst) release.run();
          waiting.push({ resolve: () => resolve(result), reject });
        } catch (cause) {
          takeBack(cause, isFirst);
          reject(isRefusal(cause) ? unavailable(cause) : cause);
        }
      });
    },
    settled() {
      if (!open) return Promise.resolve();
      return new Promise((resolve, reject) => waiting.push({ resolve, reject }));
    },
    flush,
    close() {
      flush();
      sql.close();
    },
  };
}
