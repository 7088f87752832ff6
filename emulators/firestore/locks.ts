import type { Clock } from "../kernel/clock.ts";
import { StatusError } from "../kernel/status-error.ts";
import { COURTESY_MS, LOCK_WAIT_MS_MAX, OLDER_WRITER_WAIT_MS_MAX } from "./limits.ts";

/** The holder of locks: a transaction, or a commit outside of a transaction while it waits. */
export interface Holder {
  /** When it began, as a serial number: the older goes first. A retried transaction keeps its age. */
  readonly age: number;
  /** Whether it is a transaction. Only a transaction aborts younger ones that block it. */
  readonly passing: boolean;
  /** How long it waits for a lock; absent: LOCK_WAIT_MS_MAX. */
  readonly patienceMs?: number | undefined;
  readonly held: Set<string>;
  readonly waits: Set<Wait>;
  /** Aborts the holder because it is part of a deadlock or blocks an older one. */
  abort(): void;
}

type Mode = "read" | "write";

/** A waiting holder: for the lock of a document, or (document undefined) for the end of another holder. */
export interface Wait {
  readonly holder: Holder;
  readonly document: string | undefined;
  readonly mode: Mode;
  readonly blocker: Holder | undefined;
  end(refusal?: StatusError): void;
}

interface Lock {
  writer: Holder | undefined;
  readonly readers: Set<Holder>;
  /** Until this time other readers let the first reader finish. */
  courteousUntil: number;
  cancelAlarm: () => void;
}

const NOBODY: readonly Holder[] = [];

export const contention = (): StatusError =>
  new StatusError("ABORTED", "Too much contention on these documents. Please try again.");

/**
 * Locks on documents of one database, held until their holder ends. Many may read a document, one may
 * write it. A document read in a read-write transaction is about to be written more often than not,
 * and readers that share meet in a deadlock when both write; so a second reader first waits for a
 * moment. Most transactions are over by then, and they pass one after the other instead of aborting.
 */
export class LockTable {
  private readonly clock: Clock;
  private readonly locks = new Map<string, Lock>();
  /** The holders that wait for a document, the oldest first. */
  private readonly queues = new Map<string, Wait[]>();
  private readonly endings = new Map<Holder, Set<Wait>>();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  get idle(): boolean {
    return this.locks.size === 0;
  }

  /** Takes all locks at once if that needs no waiting. */
  tryAcquire(holder: Holder, documents: readonly string[], mode: Mode): boolean {
    for (const document of documents) if (!this.allows(holder, document, mode)) return false;
    for (const document of documents) this.take(holder, document, mode);
    return true;
  }

  private allows(holder: Holder, document: string, mode: Mode): boolean {
    const lock = this.locks.get(document);
    if (lock === undefined) return true;
    if (lock.writer !== undefined) return lock.writer === holder;
    const alone = lock.readers.size === (lock.readers.has(holder) ? 1 : 0);
    if (alone || mode === "write") return alone;
    if (lock.readers.has(holder)) return true;
    return this.clock.now() >= lock.courteousUntil && this.olderWriters(holder, document).length === 0;
  }

  /** The holders that waited to write a document before `holder` came; readers do not overtake them. */
  private olderWriters(holder: Holder, document: string): Holder[] {
    const queue = this.queues.get(document) ?? [];
    return queue
      .filter((wait) => wait.mode === "write" && wait.holder.age < holder.age)
      .map((wait) => wait.holder);
  }

  private take(holder: Holder, document: string, mode: Mode): void {
    let lock = this.locks.get(document);
    if (lock === undefined) {
      lock = { writer: undefined, readers: new Set(), courteousUntil: 0, cancelAlarm: () => undefined };
      this.locks.set(document, lock);
    }
    if (mode === "write") lock.writer = holder;
    else if (lock.writer === undefined) {
      if (lock.readers.size === 0) lock.courteousUntil = this.clock.now() + COURTESY_MS;
      lock.readers.add(holder);
    }
    holder.held.add(document);
  }

  /** Takes the locks one after the other, waiting for each; ABORTED when that takes too long. */
  async acquire(
    holder: Holder,
    documents: readonly string[],
    mode: Mode,
    signal: AbortSignal,
  ): Promise<void> {
    if (this.tryAcquire(holder, documents, mode)) return;
    for (const document of [...documents].sort()) {
      if (this.tryAcquire(holder, [document], mode)) continue;
      await this.wait({ holder, document, mode, blocker: undefined }, signal);
    }
  }

  /** Waits until `blocker` holds nothing any more. */
  waitForEnd(holder: Holder, blocker: Holder, signal: AbortSignal): Promise<void> {
    return this.wait({ holder, document: undefined, mode: "write", blocker }, signal);
  }

  private wait(wanted: Omit<Wait, "end">, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const now = this.clock.now();
      const alarms = [
        this.clock.at(now + (wanted.holder.patienceMs ?? LOCK_WAIT_MS_MAX), () => wait.end(contention())),
      ];
      const onAbort = (): void => wait.end(new StatusError("CANCELLED", "The caller is gone."));
      const wait: Wait = {
        ...wanted,
        end: (refusal) => {
          for (const cancel of alarms) cancel();
          signal.removeEventListener("abort", onAbort);
          this.forget(wait);
          if (refusal === undefined) resolve();
          else reject(refusal);
        },
      };
      if (wait.mode === "write" && !wait.holder.passing) {
        alarms.push(this.clock.at(now + OLDER_WRITER_WAIT_MS_MAX, () => this.abortYounger(wait)));
      }
      signal.addEventListener("abort", onAbort);
      this.enqueue(wait);
      this.breakCircles(wait.holder);
    });
  }

  /** An older transaction that wants to write has waited long enough for those that began after it. */
  private abortYounger(wait: Wait): void {
    for (const blocker of this.blockersOf(wait)) if (blocker.age > wait.holder.age) blocker.abort();
  }

  private blockersOf({ holder, document, mode, blocker }: Wait): readonly Holder[] {
    if (document === undefined) return blocker === undefined ? NOBODY : [blocker];
    const lock = this.locks.get(document);
    if (lock === undefined) return NOBODY;
    if (lock.writer !== undefined) return [lock.writer];
    const readers = [...lock.readers].filter((reader) => reader !== holder);
    return mode === "write" ? readers : [...readers, ...this.olderWriters(holder, document)];
  }

  private enqueue(wait: Wait): void {
    const { holder, document, blocker } = wait;
    holder.waits.add(wait);
    if (document !== undefined) {
      const queue = this.queues.get(document) ?? [];
      const place = queue.findIndex((other) => other.holder.age > holder.age);
      queue.splice(place === -1 ? queue.length : place, 0, wait);
      this.queues.set(document, queue);
      this.endCourtesyInTime(document);
    } else if (blocker !== undefined) {
      const endings = this.endings.get(blocker) ?? new Set();
      endings.add(wait);
      this.endings.set(blocker, endings);
    }
  }

  private endCourtesyInTime(document: string): void {
    const lock = this.locks.get(document);
    if (lock === undefined || lock.writer !== undefined || lock.courteousUntil <= this.clock.now()) return;
    lock.cancelAlarm();
    lock.cancelAlarm = this.clock.at(lock.courteousUntil, () => this.serveQueue(document));
  }

  private forget(wait: Wait): void {
    wait.holder.waits.delete(wait);
    if (wait.blocker !== undefined) this.endings.get(wait.blocker)?.delete(wait);
    if (wait.document === undefined) return;
    const queue = this.queues.get(wait.document)?.filter((other) => other !== wait) ?? [];
    if (queue.length === 0) this.queues.delete(wait.document);
    else this.queues.set(wait.document, queue);
  }

  /** Grants the lock of a document to waiting holders, the oldest first, as far as they are compatible. */
  private serveQueue(document: string): void {
    for (const wait of this.queues.get(document) ?? []) {
      if (!this.allows(wait.holder, document, wait.mode)) continue;
      this.take(wait.holder, document, wait.mode);
      wait.end();
    }
    if (this.queues.has(document)) this.endCourtesyInTime(document);
  }

  /** Releases all locks of the holder. */
  release(holder: Holder): void {
    for (const wait of holder.waits) wait.end(contention());
    const documents = [...holder.held];
    holder.held.clear();
    for (const document of documents) {
      const lock = this.locks.get(document);
      if (lock === undefined) continue;
      if (lock.writer === holder) lock.writer = undefined;
      lock.readers.delete(holder);
      if (lock.writer === undefined && lock.readers.size === 0) {
        lock.cancelAlarm();
        this.locks.delete(document);
      }
      if (this.queues.has(document)) this.serveQueue(document);
    }
    const endings = this.endings.get(holder) ?? new Set<Wait>();
    this.endings.delete(holder);
    for (const wait of endings) wait.end();
  }

  /**
   * Resolves deadlocks of the holder. If one member of the cycle waits only to let the first reader finish,
   * that one is granted its lock; otherwise the youngest member of the cycle is aborted.
   */
  private breakCircles(start: Holder): void {
    for (let circle = this.circleFrom(start); circle !== undefined; circle = this.circleFrom(start)) {
      const courteous = circle.find((wait) => this.isCourteous(wait));
      if (courteous?.document !== undefined) {
        this.take(courteous.holder, courteous.document, "read");
        courteous.end();
        continue;
      }
      const holders = circle.map((wait) => wait.holder);
      holders.reduce((youngest, holder) => (holder.age > youngest.age ? holder : youngest)).abort();
    }
  }

  /** Whether a reader waits only to let the first reader finish. */
  private isCourteous({ holder, document, mode }: Wait): boolean {
    if (document === undefined || mode === "write" || this.olderWriters(holder, document).length > 0)
      return false;
    const lock = this.locks.get(document);
    return lock !== undefined && lock.writer === undefined;
  }

  private circleFrom(start: Holder): Wait[] | undefined {
    const seen = new Set<Holder>();
    const visit = (holder: Holder, trail: readonly Wait[]): Wait[] | undefined => {
      for (const wait of holder.waits) {
        for (const next of this.blockersOf(wait)) {
          if (next === start) return [...trail, wait];
          if (seen.has(next)) continue;
          seen.add(next);
          const found = visit(next, [...trail, wait]);
          if (found !== undefined) return found;
        }
      }
      return undefined;
    };
    return visit(start, []);
  }
}
