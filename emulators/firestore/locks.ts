import type { Clock } from "../kernel/clock.ts";
import { RpcError } from "../kernel/rpc-error.ts";
import { LOCK_WAIT_MS_MAX } from "./limits.ts";

/** Whoever holds documents: a transaction, or a commit outside of one while it waits its turn. */
export interface Holder {
  /** When it began, as a serial number: the older goes first. A retried transaction keeps its age. */
  readonly age: number;
  readonly held: Set<string>;
  readonly waits: Set<Wait>;
  /** Ends the holder because it stands in a circle of waiting ones. */
  abort(): void;
}

/** Somebody waiting: for a document's lock, or (document undefined) for a holder to end. */
export interface Wait {
  readonly holder: Holder;
  readonly document: string | undefined;
  readonly blocker: Holder | undefined;
  end(refusal?: RpcError): void;
}

export const contention = (): RpcError =>
  new RpcError("ABORTED", "Too much contention on these documents. Please try again.");

/**
 * Locks on documents of one database, held until their holder ends. A lock is exclusive: a document
 * read in a read-write transaction is about to be written more often than not, and readers that
 * share would meet in a deadlock when both write.
 */
export class LockTable {
  private readonly clock: Clock;
  private readonly holders = new Map<string, Holder>();
  private readonly queues = new Map<string, Wait[]>();
  private readonly endings = new Map<Holder, Set<Wait>>();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  get idle(): boolean {
    return this.holders.size === 0;
  }

  /** Takes all locks at once if that needs no waiting. */
  tryAcquire(holder: Holder, documents: readonly string[]): boolean {
    for (const document of documents) {
      const current = this.holders.get(document);
      if (current !== undefined && current !== holder) return false;
    }
    for (const document of documents) this.take(holder, document);
    return true;
  }

  private take(holder: Holder, document: string): void {
    this.holders.set(document, holder);
    holder.held.add(document);
  }

  /** Takes the locks one after the other, waiting for each; ABORTED when that takes too long. */
  async acquire(holder: Holder, documents: readonly string[], signal: AbortSignal): Promise<void> {
    if (this.tryAcquire(holder, documents)) return;
    for (const document of [...documents].sort()) {
      const current = this.holders.get(document);
      if (current === undefined) this.take(holder, document);
      else if (current !== holder) await this.wait(holder, document, undefined, signal);
    }
  }

  /** Waits until `blocker` holds nothing any more. */
  waitForEnd(holder: Holder, blocker: Holder, signal: AbortSignal): Promise<void> {
    return this.wait(holder, undefined, blocker, signal);
  }

  private wait(
    holder: Holder,
    document: string | undefined,
    blocker: Holder | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      const cancelAlarm = this.clock.at(this.clock.now() + LOCK_WAIT_MS_MAX, () => wait.end(contention()));
      const onAbort = (): void => wait.end(new RpcError("CANCELLED", "The caller is gone."));
      const wait: Wait = {
        holder,
        document,
        blocker,
        end: (refusal) => {
          cancelAlarm();
          signal.removeEventListener("abort", onAbort);
          this.forget(wait);
          if (refusal === undefined) resolve();
          else reject(refusal);
        },
      };
      signal.addEventListener("abort", onAbort);
      this.enqueue(wait);
      this.breakCircle(holder);
    });
  }

  private enqueue(wait: Wait): void {
    wait.holder.waits.add(wait);
    if (wait.document !== undefined) {
      const queue = this.queues.get(wait.document) ?? [];
      queue.push(wait);
      this.queues.set(wait.document, queue);
    } else if (wait.blocker !== undefined) {
      const endings = this.endings.get(wait.blocker) ?? new Set();
      endings.add(wait);
      this.endings.set(wait.blocker, endings);
    }
  }

  private forget(wait: Wait): void {
    wait.holder.waits.delete(wait);
    if (wait.blocker !== undefined) this.endings.get(wait.blocker)?.delete(wait);
    if (wait.document === undefined) return;
    const queue = this.queues.get(wait.document)?.filter((other) => other !== wait) ?? [];
    if (queue.length === 0) this.queues.delete(wait.document);
    else this.queues.set(wait.document, queue);
  }

  /** Gives everything back; each document goes to the oldest that waits for it. */
  release(holder: Holder): void {
    for (const wait of holder.waits) wait.end(contention());
    for (const document of holder.held) {
      this.holders.delete(document);
      const next = oldest(this.queues.get(document) ?? []);
      if (next === undefined) continue;
      this.take(next.holder, document);
      next.end();
    }
    holder.held.clear();
    const endings = this.endings.get(holder) ?? new Set<Wait>();
    this.endings.delete(holder);
    for (const wait of endings) wait.end();
  }

  /** If the holder waits, by way of others, for itself, the youngest of the circle is aborted. */
  private breakCircle(start: Holder): void {
    for (let circle = this.circleFrom(start); circle !== undefined; circle = this.circleFrom(start)) {
      circle.reduce((youngest, holder) => (holder.age > youngest.age ? holder : youngest)).abort();
    }
  }

  private circleFrom(start: Holder): Holder[] | undefined {
    const seen = new Set<Holder>();
    const visit = (holder: Holder, trail: Holder[]): Holder[] | undefined => {
      for (const wait of holder.waits) {
        const next = wait.document === undefined ? wait.blocker : this.holders.get(wait.document);
        if (next === undefined) continue;
        if (next === start) return trail;
        if (seen.has(next)) continue;
        seen.add(next);
        const found = visit(next, [...trail, next]);
        if (found !== undefined) return found;
      }
      return undefined;
    };
    return visit(start, [start]);
  }
}

function oldest(waits: readonly Wait[]): Wait | undefined {
  let found: Wait | undefined;
  for (const wait of waits) if (found === undefined || wait.holder.age < found.holder.age) found = wait;
  return found;
}
