import type { Clock } from "../kernel/clock.ts";
import type { Message } from "../kernel/rpc.ts";
import { StatusError } from "../kernel/status-error.ts";
import { TRANSACTION_IDLE_MS_MAX, TRANSACTION_MS_MAX } from "./limits.ts";
import { contention, type Holder, LockTable, type Wait } from "./locks.ts";
import { DocumentSubject, reaches } from "./match.ts";
import type { Query } from "./query.ts";
import { type Micros, microsOf } from "./time.ts";
import type { Change } from "./write-apply.ts";

/** What an optimistic transaction has looked at, all of it as of one time. */
export interface OptimisticReads {
  readonly at: Micros;
  /** Names of documents, existing or not. */
  readonly documents: Set<string>;
  readonly queries: Query[];
}

/** A transaction as it runs. */
export interface Transaction extends Holder {
  readonly id: Buffer;
  /** Read-only transactions read at one time and lock nothing. */
  readonly readTime: Micros | undefined;
  /** Its queries: other transactions must not change their results. */
  readonly queries: Query[];
  /** An optimistic transaction locks nothing, and commits only if what it has read is unchanged. */
  readonly optimisticReads: OptimisticReads | undefined;
  aborted: boolean;
}

interface TransactionOptions {
  readonly readOnly: boolean;
  readonly readTime: Micros | undefined;
  readonly retries: Buffer | undefined;
  readonly optimistic: boolean;
}

/** `OPTIMISTIC` in `TransactionOptions.ConcurrencyMode`. */
const OPTIMISTIC = 1;

/** The default of `newTransaction` is read-only; the default of BeginTransaction is read-write. */
export function parseTransactionOptions(message: Message, readOnlyByDefault: boolean): TransactionOptions {
  if (message?.mode === "readOnly" || (message?.mode === undefined && readOnlyByDefault)) {
    const time = message?.readOnly?.readTime;
    return {
      readOnly: true,
      readTime: time ? microsOf(time) : undefined,
      retries: undefined,
      optimistic: false,
    };
  }
  const { retryTransaction, concurrencyMode } = message?.readWrite ?? {};
  return {
    readOnly: false,
    readTime: undefined,
    retries: retryTransaction?.length > 0 ? retryTransaction : undefined,
    optimistic: concurrencyMode === OPTIMISTIC,
  };
}

interface Live {
  readonly transaction: Transaction;
  readonly endsAt: number;
  idleAt: number;
  cancelAlarm: () => void;
}

const expired = (): StatusError =>
  new StatusError("INVALID_ARGUMENT", "The referenced transaction has expired or is no longer valid.");

const ID_BYTES = 20;

/** The transactions of one database, and the locks they hold. */
export class Transactions {
  readonly locks: LockTable;
  private readonly clock: Clock;
  private readonly incarnation: Buffer;
  private readonly live = new Map<string, Live>();
  private serial = 0;

  constructor(clock: Clock, incarnation: Buffer) {
    this.clock = clock;
    this.incarnation = incarnation;
    this.locks = new LockTable(clock);
  }

  begin(options: TransactionOptions, now: Micros): Transaction {
    this.serial += 1;
    const age = options.retries === undefined ? this.serial : this.ageOf(options.retries);
    const id = this.idOf(age);
    const transaction: Transaction = {
      id,
      age,
      passing: false,
      readTime: options.readOnly ? (options.readTime ?? now) : undefined,
      queries: [],
      optimisticReads: options.optimistic ? { at: now, documents: new Set(), queries: [] } : undefined,
      held: new Set(),
      waits: new Set(),
      aborted: false,
      abort: () => {
        transaction.aborted = true;
        this.locks.release(transaction);
      },
    };
    const endsAt = this.clock.now() + TRANSACTION_MS_MAX;
    const live: Live = { transaction, endsAt, idleAt: 0, cancelAlarm: () => undefined };
    this.live.set(id.toString("latin1"), live);
    this.use(live);
    return transaction;
  }

  /** An id says how old its transaction is, so that a retry can keep its age when the rest is forgotten. */
  private idOf(age: number): Buffer {
    const id = Buffer.alloc(ID_BYTES);
    this.incarnation.copy(id, 0);
    id.writeUIntBE(age, 8, 6);
    id.writeUIntBE(this.serial, 14, 6);
    return id;
  }

  private ageOf(id: Buffer): number {
    const ours = id.length === ID_BYTES && id.subarray(0, 8).equals(this.incarnation);
    return ours ? id.readUIntBE(8, 6) : this.serial;
  }

  private use(live: Live): void {
    live.idleAt = this.clock.now() + TRANSACTION_IDLE_MS_MAX;
    live.cancelAlarm();
    live.cancelAlarm = this.clock.at(Math.min(live.idleAt, live.endsAt), () => this.end(live.transaction));
  }

  /** A transaction that was begun and has not ended. */
  find(id: Uint8Array): Transaction {
    const live = this.live.get(Buffer.from(id).toString("latin1"));
    if (live === undefined) throw expired();
    if (live.transaction.aborted) {
      this.end(live.transaction);
      throw contention();
    }
    this.use(live);
    return live.transaction;
  }

  /** Ends a transaction, committed or not, and lets holders that wait for its documents continue. */
  end(transaction: Transaction): void {
    const key = transaction.id.toString("latin1");
    const live = this.live.get(key);
    if (live === undefined) return;
    live.cancelAlarm();
    this.live.delete(key);
    this.locks.release(transaction);
  }

  /** Ends a transaction by id if it still runs. */
  rollback(id: Uint8Array): void {
    const live = this.live.get(Buffer.from(id).toString("latin1"));
    if (live !== undefined) this.end(live.transaction);
  }

  /** A holder of locks for a single commit, outside of any transaction. */
  passing(patienceMs?: number): Holder {
    this.serial += 1;
    const waits = new Set<Wait>();
    const holder: Holder = {
      age: this.serial,
      passing: true,
      patienceMs,
      held: new Set(),
      waits,
      abort: () => this.locks.release(holder),
    };
    return holder;
  }

  /** Whether any transaction could stand in the way of a commit. */
  get idle(): boolean {
    return this.live.size === 0 && this.locks.idle;
  }

  /** A transaction, other than `own`, with a query that these changes would match. */
  searcher(changes: readonly Change[], own: Holder): Transaction | undefined {
    for (const { transaction } of this.live.values()) {
      if (transaction === own || transaction.aborted || transaction.queries.length === 0) continue;
      if (transaction.queries.some((query) => changes.some((change) => touches(query, change)))) {
        return transaction;
      }
    }
    return undefined;
  }

  close(): void {
    for (const { transaction } of this.live.values()) this.end(transaction);
  }
}

function touches(query: Query, { collection, id, before, after }: Change): boolean {
  if (!reaches(query, collection)) return false;
  return [before, after].some(
    (state) =>
      state !== undefined && new DocumentSubject(`${collection}/${id}`, state).placeIn(query) !== undefined,
  );
}
