import type { Kernel } from "../kernel/kernel.ts";
import { projectOf } from "../kernel/rpc.ts";
import { contention } from "./locks.ts";

/**
 * How slow and how contended Firestore is, where the suite's physics are on. Sources:
 * cloud.google.com/firestore/docs/best-practices (B), which names no milliseconds: those are ours, of the
 * size that clients in the database's region observe.
 */

/** Ours: a read, a query, or the refusal of a commit. */
export const READ_MS = 8;
/** Ours: a commit, however many documents, of which no index entry changes. */
export const COMMIT_MS = 15;
/** Ours: added for each index entry that a commit takes away or adds. B: they are most of the latency. */
export const ENTRY_MS = 0.1;
/** B: so often one document can be written for long. */
export const SUSTAINED_WRITES_PER_SECOND = 1;
/** Ours: so many writes of one document may come at once, before each further one takes longer. */
export const BURST_WRITES = 100;
/** Ours: by so much each write beyond the burst makes the next one longer … */
export const CONTENDED_STEP_MS = 5;
/** … up to what leaves the sustained rate. */
export const CONTENDED_MS_MAX = 1_000 / SUSTAINED_WRITES_PER_SECOND;
/** Ours: commits that may wait for one document; one more is aborted at once. */
export const COMMITS_WAITING_MAX = 100;
/** Ours: how long a commit waits for others before it is aborted. */
export const CONTENTION_WAIT_MS_MAX = 5_000;
/** How long expired documents stay, of the day that Firestore may take. */
export const TTL_DELAY_MS = 12 * 3_600_000;

/** Documents whose writes are counted before those are forgotten that have come to rest. */
const COUNTED_MAX = 10_000;

/** In real time and not the suite's: moving the clock makes no service faster. */
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export const readPause = ({ physics }: Kernel, database: string): Promise<void> | undefined =>
  physics.holdsIn(projectOf(database)) ? pause(READ_MS) : undefined;

/** The commits of one database, as they wait for documents and take their time. */
export class CommitPhysics {
  private readonly now: () => number;
  /** Writes of a document beyond the sustained rate, as of a time. */
  private readonly surplus = new Map<string, { writes: number; atMs: number }>();
  private readonly waiting = new Map<string, number>();

  constructor(now: () => number = () => performance.now()) {
    this.now = now;
  }

  /** Counts a commit as waiting for its documents until the returned function is called. */
  enter(documents: readonly string[]): () => void {
    if (documents.some((document) => (this.waiting.get(document) ?? 0) >= COMMITS_WAITING_MAX)) {
      throw contention();
    }
    for (const document of documents) this.waiting.set(document, (this.waiting.get(document) ?? 0) + 1);
    return () => {
      for (const document of documents) {
        const left = (this.waiting.get(document) ?? 1) - 1;
        if (left === 0) this.waiting.delete(document);
        else this.waiting.set(document, left);
      }
    };
  }

  /** How long a commit takes that changes these documents and so many index entries; counts its writes. */
  commitMs(documents: readonly string[], entries: number): number {
    const worst = Math.max(0, ...documents.map((document) => this.write(document)));
    const contendedMs = Math.max(worst - BURST_WRITES, 0) * CONTENDED_STEP_MS;
    return COMMIT_MS + ENTRY_MS * entries + Math.min(contendedMs, CONTENDED_MS_MAX);
  }

  /** How many writes a document has had beyond the sustained rate, this one included. */
  private write(document: string): number {
    if (this.surplus.size >= COUNTED_MAX) this.forgetRested();
    const writes = this.surplusOf(document) + 1;
    this.surplus.set(document, { writes, atMs: this.now() });
    return writes;
  }

  private surplusOf(document: string): number {
    const { writes, atMs } = this.surplus.get(document) ?? { writes: 0, atMs: 0 };
    return Math.max(writes - ((this.now() - atMs) / 1_000) * SUSTAINED_WRITES_PER_SECOND, 0);
  }

  private forgetRested(): void {
    for (const document of this.surplus.keys()) {
      if (this.surplusOf(document) === 0) this.surplus.delete(document);
    }
  }

  /** Lets time pass: a commit that holds its documents, or one that was refused. */
  readonly pause = pause;
}
