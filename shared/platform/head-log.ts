import { AsyncLocalStorage } from "node:async_hooks";
import type { DocumentReference, DocumentSnapshot } from "./firestore.ts";
import { AppError, isUnknownOutcome, toAppError } from "./errors.ts";
import {
  type Change,
  type Changed,
  type HeadLogOptions,
  keyReused,
  type Proof,
  type Waiting,
} from "./head-change.ts";
import { attemptCommit } from "./head-commit.ts";
import { attemptApart } from "./head-commit-apart.ts";
import { createHeadMemory } from "./head-memory.ts";

/**
 * A head document is the latest state of a log. Each change decides from the head what the next head
 * is and which documents come with it; head and documents are committed together, on condition that
 * the head is still the one decided on. That one compare-and-set is authorisation, numbering and
 * ordering at once.
 *
 * An instance remembers the heads it has moved, so the next change needs no read. Changes that arrive
 * while a commit is under way share the next one, so a busy log costs one commit a batch and an
 * instance never contends with itself.
 */
export interface HeadLog<Head extends object> {
  /**
   * Applies the change exactly once, however often its commit has to be tried.
   * Costs 1 commit (shared with others), 1 write for the head and 1 for each document; 1 read when the
   * head is not remembered or another instance has moved it; 2 reads to recognise a repetition.
   * @throws what `decide` throws; what `absent` says when there is no head; `idempotency_key_reused`;
   *   `unavailable` when the commit did not succeed within CHANGE_MS_MAX.
   */
  change<Result>(ref: DocumentReference, change: Change<Head, Result>): Promise<Changed<Head, Result>>;
  /** The head as this instance last saw it; it may have moved since. */
  known(ref: DocumentReference): Head | undefined;
  /** The same, if it was the newest so many milliseconds ago or later. */
  recent(ref: DocumentReference, ageMsMax: number): Head | undefined;
  /** Takes a head that was read elsewhere into memory, to save the next change its read. */
  remember(snapshot: DocumentSnapshot): void;
}

/** A change that can't be committed within this time is refused with `unavailable`. */
export const CHANGE_MS_MAX = 10_000;
/** Changes that share one commit: with COMMIT_BYTES_MAX well below Firestore's 10 MiB a request. */
export const BATCH_CHANGES_MAX = 100;
/** After another instance was faster a head is taken for contended for so long. */
export const CONTENDED_MS = 10_000;
const CONTENDED_MAX = 1_000;
const BACKOFF_MS = 5;
const BACKOFF_MS_MAX = 300;

export function createHeadLog<Head extends object>(options: HeadLogOptions<Head>): HeadLog<Head> {
  const memory = createHeadMemory<Head>();
  const queues = new Map<string, Waiting<Head>[]>();
  const underWay = new Map<string, { fingerprint: string; changed: Promise<Changed<Head, unknown>> }>();

  /** Heads that another instance has moved of late, and until when they are taken for contended. */
  const contended = new Map<string, number>();
  const isContended = (ref: DocumentReference): boolean => (contended.get(ref.path) ?? 0) > performance.now();
  const noteContended = (ref: DocumentReference): void => {
    if (options.promise === undefined) return;
    contended.delete(ref.path);
    contended.set(ref.path, performance.now() + CONTENDED_MS);
    const [longestAgo] = contended.keys();
    if (contended.size > CONTENDED_MAX && longestAgo !== undefined) contended.delete(longestAgo);
  };

  /** Works through a log's queue until it is empty; one at a time for each log. */
  const drain = async (ref: DocumentReference, queue: Waiting<Head>[]): Promise<void> => {
    for (let failures = 0; queue.length > 0;) {
      refuseLate(queue);
      const batch = queue.splice(0, BATCH_CHANGES_MAX);
      const first = batch[0];
      if (first === undefined) continue;
      try {
        const again = await first.inContext(
          async () =>
            (isContended(ref) && (await attemptApart(options, memory, ref, batch))) ||
            attemptCommit(options, memory, ref, batch),
        );
        queue.unshift(...again.waiting);
        failures = again.contended ? failures + 1 : 0;
        if (again.contended) noteContended(ref);
      } catch (cause) {
        memory.forget(ref.path);
        failures += 1;
        if (isUnknownOutcome(cause)) queue.unshift(...batch);
        else for (const waiting of batch) waiting.reject(cause);
      }
      if (failures > 0 && queue.length > 0) await pause(failures);
    }
    queues.delete(ref.path);
  };

  const enqueue = (ref: DocumentReference, change: Change<Head, unknown>): Promise<Changed<Head, unknown>> =>
    new Promise((resolve, reject) => {
      const inContext = AsyncLocalStorage.snapshot();
      const waiting = { change, deadlineMs: performance.now() + CHANGE_MS_MAX, inContext, resolve, reject };
      const queue = queues.get(ref.path);
      if (queue !== undefined) {
        queue.push(waiting);
        return;
      }
      const created = [waiting];
      queues.set(ref.path, created);
      drain(ref, created).catch(reject);
    });

  /** A repetition that arrives while the first is under way shares its outcome. */
  const joinFirst = async (proof: Proof<unknown>): Promise<Changed<Head, unknown> | undefined> => {
    const first = underWay.get(proof.ref.path);
    if (first === undefined) return undefined;
    if (first.fingerprint !== proof.fingerprint) throw keyReused();
    return { ...(await first.changed), replayed: true };
  };

  const changeProven = async (
    ref: DocumentReference,
    change: Change<Head, unknown>,
    proof: Proof<unknown>,
  ): Promise<Changed<Head, unknown>> => {
    const joined = await joinFirst(proof);
    if (joined !== undefined) return joined;
    const changed = enqueue(ref, change);
    underWay.set(proof.ref.path, { fingerprint: proof.fingerprint, changed });
    try {
      return await changed;
    } finally {
      underWay.delete(proof.ref.path);
    }
  };

  return {
    known: (ref) => memory.get(ref.path)?.head,
    recent(ref, ageMsMax) {
      const found = memory.get(ref.path);
      return found !== undefined && performance.now() - found.seenMs <= ageMsMax ? found.head : undefined;
    },
    remember: (snapshot) => memory.remember(snapshot),
    async change<Result>(ref: DocumentReference, change: Change<Head, Result>) {
      try {
        const changed =
          change.proof === undefined ? enqueue(ref, change) : changeProven(ref, change, change.proof);
        return (await changed) as Changed<Head, Result>;
      } catch (cause) {
        throw toAppError(cause);
      }
    },
  };
}

/** Refuses what has waited too long: an honest 503 that can be retried, instead of an endless queue. */
function refuseLate<Head>(queue: Waiting<Head>[]): void {
  const now = performance.now();
  for (let index = queue.length - 1; index >= 0; index -= 1) {
    const waiting = queue[index];
    if (waiting === undefined || waiting.deadlineMs > now) continue;
    queue.splice(index, 1);
    waiting.reject(
      new AppError("unavailable", "Too many changes at once; nothing was changed.", { retryAfterSeconds: 1 }),
    );
  }
}

/** Full jitter, so that instances contending for one head do not meet again. */
const pause = (failures: number): Promise<void> =>
  new Promise((resolve) =>
    setTimeout(resolve, Math.random() * Math.min(BACKOFF_MS * 2 ** Math.min(failures, 10), BACKOFF_MS_MAX)),
  );
