import { GRPC, grpcCode, isUnknownOutcome } from "./errors.ts";
import { type DocumentReference, type DocumentSnapshot, readDocument, readDocuments } from "./firestore.ts";
import type { Timestamp } from "./firestore-values.ts";
import { type Decision, type HeadLogOptions, keyReused, type Waiting } from "./head-change.ts";
import type { HeadMemory, RememberedHead } from "./head-memory.ts";
import { randomId } from "./ids.ts";
import { COMMIT_BYTES_MAX, type CommitPart } from "./shared-commits.ts";

/** The field, of the head and of every document created with it, that names the commit which wrote it. */
export const COMMIT_FIELD = "commit";

export interface Decided<Head> {
  readonly waiting: Waiting<Head>;
  readonly decision: Decision<Head, unknown>;
}

interface Decisions<Head> {
  readonly decided: readonly Decided<Head>[];
  readonly refused: readonly { readonly waiting: Waiting<Head>; readonly cause: unknown }[];
  /** What did not fit into one commit. */
  readonly rest: readonly Waiting<Head>[];
}

export interface Again<Head> {
  /** Changes that still have to be made, in their order. */
  readonly waiting: readonly Waiting<Head>[];
  /** True when another instance moved the head first. */
  readonly contended: boolean;
}

/**
 * Tries once to commit a batch of changes to one head. Settles every change that is decided by this
 * attempt and returns the others. When the outcome of the commit is unknown it is looked up: a commit
 * is atomic, so one document with its name proves all of it.
 * @throws when nothing could be found out; then no change has been settled but for refusals.
 */
export async function attemptCommit<Head extends object>(
  options: HeadLogOptions<Head>,
  memory: HeadMemory<Head>,
  ref: DocumentReference,
  batch: readonly Waiting<Head>[],
): Promise<Again<Head>> {
  const [first] = batch;
  const alone = batch.findIndex(({ change }) => change.prepare !== undefined);
  if (first?.change.prepare === undefined) {
    const together = alone === -1 ? batch : batch.slice(0, alone);
    return withRest(await attempt(options, memory, ref, together), batch.slice(together.length));
  }
  try {
    await first.change.prepare();
  } catch (cause) {
    if (isUnknownOutcome(cause)) throw cause;
    first.reject(cause);
    return { waiting: batch.slice(1), contended: false };
  }
  return withRest(await attempt(options, memory, ref, [first]), batch.slice(1));
}

const withRest = <Head>(
  { waiting, contended }: Again<Head>,
  rest: readonly Waiting<Head>[],
): Again<Head> => ({
  waiting: [...waiting, ...rest],
  contended,
});

async function attempt<Head extends object>(
  options: HeadLogOptions<Head>,
  memory: HeadMemory<Head>,
  ref: DocumentReference,
  batch: readonly Waiting<Head>[],
): Promise<Again<Head>> {
  const known = memory.get(ref.path);
  let base = known ?? (await loadHead(options, memory, ref));
  let decisions = decideAll(base.head, batch);
  if (known !== undefined && (decisions.refused.length > 0 || movesNothing(base.head, decisions.decided))) {
    // The refusal may rest on an outdated memory, when another instance has added somebody, and no commit
    // would show that.
    base = await loadHead(options, memory, ref);
    decisions = decideAll(base.head, batch);
  }
  for (const { waiting, cause } of decisions.refused) waiting.reject(cause);
  const { decided, rest } = decisions;
  if (movesNothing(base.head, decided)) {
    resolveAll(decided);
    return { waiting: rest, contended: false };
  }
  const commitId = randomId();
  try {
    const updateTime = await commit(options, ref, base, { decided, commitId });
    memory.keep(ref.path, lastOf(decided).decision.head, updateTime);
    settle(options, ref, decided);
    return { waiting: rest, contended: false };
  } catch (cause) {
    memory.forget(ref.path);
    if (!mayBeKnown(cause)) {
      for (const { waiting } of decided) waiting.reject(cause);
      return { waiting: rest, contended: false };
    }
    const found = await lookUp(ref, decided);
    if (found.some((snapshot) => snapshot.get(COMMIT_FIELD) === commitId)) {
      settle(options, ref, decided);
      return { waiting: rest, contended: false };
    }
    return { waiting: [...settleRepeated(decided, found), ...rest], contended: true };
  }
}

export async function loadHead<Head extends object>(
  options: HeadLogOptions<Head>,
  memory: HeadMemory<Head>,
  ref: DocumentReference,
): Promise<RememberedHead<Head>> {
  const snapshot = await readDocument(ref);
  if (!snapshot.exists || snapshot.updateTime === undefined) {
    memory.forget(ref.path);
    throw options.absent();
  }
  return memory.keep(ref.path, snapshot.data() as Head, snapshot.updateTime);
}

/** Decides one change after the other, each on the head that the one before leaves. */
export function decideAll<Head>(start: Head, batch: readonly Waiting<Head>[]): Decisions<Head> {
  const decided: Decided<Head>[] = [];
  const refused: { waiting: Waiting<Head>; cause: unknown }[] = [];
  let head = start;
  let bytes = 0;
  for (const [index, waiting] of batch.entries()) {
    if (bytes > COMMIT_BYTES_MAX) return { decided, refused, rest: batch.slice(index) };
    try {
      const decision = waiting.change.decide(head);
      decided.push({ waiting, decision });
      head = decision.head;
      bytes += decision.bytes;
    } catch (cause) {
      refused.push({ waiting, cause });
    }
  }
  return { decided, refused, rest: [] };
}

/** Returns the head's new update time. */
async function commit<Head extends object>(
  options: HeadLogOptions<Head>,
  ref: DocumentReference,
  base: RememberedHead<Head>,
  { decided, commitId }: { readonly decided: readonly Decided<Head>[]; readonly commitId: string },
): Promise<Timestamp> {
  const { head } = lastOf(decided).decision;
  const next = { ...head, ...options.stamp?.(ref, head), [COMMIT_FIELD]: commitId };
  const besides = writesOf(decided, commitId);
  const times = await options.commits.commit({
    writes: besides.writes + 1,
    bytes: besides.bytes,
    add(batch) {
      besides.add(batch);
      batch.update(ref, next as object, { lastUpdateTime: base.updateTime });
    },
  });
  return lastOf(times);
}

/** What changes write besides the head. */
export function writesOf<Head>(decided: readonly Decided<Head>[], commitId: string): CommitPart {
  const creates = decided.flatMap(({ decision }) => decision.create);
  const updates = decided.flatMap(({ decision }) => decision.update ?? []);
  const merges = decided.flatMap(({ decision }) => decision.merge ?? []);
  const removes = decided.flatMap(({ decision }) => decision.remove ?? []);
  return {
    writes: creates.length + updates.length + merges.length + removes.length,
    bytes: decided.reduce((sum, { decision }) => sum + decision.bytes, 0),
    add(batch) {
      for (const { ref: created, data } of creates)
        batch.create(created, { ...data, [COMMIT_FIELD]: commitId });
      for (const { ref: updated, fields, lastUpdateTime } of updates) {
        const [[field, value] = ["", undefined], ...more] = fields;
        const condition = lastUpdateTime === undefined ? [] : [{ lastUpdateTime }];
        batch.update(updated, field, value, ...more.flat(), ...condition);
      }
      for (const { ref: merged, data } of merges) batch.set(merged, data, { merge: true });
      for (const removed of removes) batch.delete(removed);
    },
  };
}

/**
 * Failures after which the commit may have been applied. Google's client repeats a commit that it got
 * no answer for, so "exists already" and "was moved" can be the echo of our own success.
 */
export function mayBeKnown(cause: unknown): boolean {
  const code = grpcCode(cause);
  return (
    isUnknownOutcome(cause) ||
    code === GRPC.alreadyExists ||
    code === GRPC.failedPrecondition ||
    code === GRPC.notFound
  );
}

/** Reads the head and every proof, in one call. */
const lookUp = <Head>(
  ref: DocumentReference,
  decided: readonly Decided<Head>[],
): Promise<DocumentSnapshot[]> => {
  const proofs = decided.flatMap(({ waiting }) => waiting.change.proof?.ref ?? []);
  return readDocuments([ref, ...proofs]);
};

/** Settles the changes that an earlier request has made; returns the others. */
export function settleRepeated<Head>(
  decided: readonly Decided<Head>[],
  found: readonly DocumentSnapshot[],
): Waiting<Head>[] {
  const existing = new Map(
    found.filter(({ exists }) => exists).map((snapshot) => [snapshot.ref.path, snapshot]),
  );
  const open: Waiting<Head>[] = [];
  for (const { waiting } of decided) {
    const { proof } = waiting.change;
    const snapshot = proof && existing.get(proof.ref.path);
    if (proof === undefined || snapshot === undefined) open.push(waiting);
    else if (snapshot.get("fingerprint") !== proof.fingerprint) waiting.reject(keyReused());
    else waiting.resolve({ result: proof.result(snapshot), replayed: true, head: undefined });
  }
  return open;
}

/** The commit stands whatever becomes of its announcement: the reconciler makes up for a lost one. */
export function settle<Head extends object>(
  options: HeadLogOptions<Head>,
  ref: DocumentReference,
  decided: readonly Decided<Head>[],
): void {
  const resolve = (): void => resolveAll(decided);
  const announced = options.committed?.(ref, lastOf(decided).decision.head);
  if (announced === undefined) resolve();
  else announced.then(resolve, resolve);
}

function resolveAll<Head>(decided: readonly Decided<Head>[]): void {
  for (const { waiting, decision } of decided) {
    waiting.resolve({ result: decision.result, replayed: false, head: decision.head });
  }
}

/** True when there is no decision, or none that changes the head. */
export const movesNothing = <Head>(head: Head, decided: readonly Decided<Head>[]): boolean =>
  decided.every(({ decision }) => decision.head === head && decision.create.length === 0);

export function lastOf<T>(list: readonly T[]): T {
  const last = list.at(-1);
  if (last === undefined) throw new Error("An empty batch has no last entry.");
  return last;
}
