import type { DocumentReference, Timestamp } from "@google-cloud/firestore";
import { GRPC, grpcCode } from "./errors.ts";
import type { HeadLogOptions, Waiting } from "./head-change.ts";
import {
  type Again,
  COMMIT_FIELD,
  decideAll,
  type Decided,
  lastOf,
  loadHead,
  mayBeKnown,
  movesNothing,
  settle,
  settleRepeated,
  writesOf,
} from "./head-commit.ts";
import type { HeadMemory } from "./head-memory.ts";
import { randomId } from "./ids.ts";
import { READ_MS_MAX, within } from "./within.ts";

/**
 * Tries once to make a batch of changes in two commits, for heads that several instances move at once. The
 * first moves the head and leaves a promise of what is to come; the second brings that and takes the promise
 * away. The first is small, so whoever was not the fastest has lost little; the second meets nobody.
 *
 * The second commit is conditional on the promise as it was made. Whoever does not know its outcome withdraws
 * the promise, which fails exactly if the commit stands. What was promised and never came is made up for by
 * the log's owner (`HeadLogOptions.promise`). Costs 2 writes more than one commit, and where a commit was
 * refused 2 reads.
 * @returns undefined when these changes need the head in their own commit: nothing has been done
 * @throws when nothing could be found out; then no change has been settled
 */
export async function attemptApart<Head extends object>(
  options: HeadLogOptions<Head>,
  memory: HeadMemory<Head>,
  ref: DocumentReference,
  batch: readonly Waiting<Head>[],
): Promise<Again<Head> | undefined> {
  if (options.promise === undefined || batch.some(({ change }) => change.prepare !== undefined)) {
    return undefined;
  }
  const base = memory.get(ref.path) ?? (await loadHead(options, memory, ref));
  const { decided, refused, rest } = decideAll(base.head, batch);
  if (refused.length > 0 || movesNothing(base.head, decided)) return undefined;
  const commitId = randomId();
  const { head } = lastOf(decided).decision;
  const promised = { ...options.promise(ref, base.head, head), commitId };
  const again = (waiting: readonly Waiting<Head>[]): Again<Head> => ({
    waiting: [...waiting, ...rest],
    contended: true,
  });
  const refuse = (cause: unknown): Again<Head> => {
    for (const { waiting } of decided) waiting.reject(cause);
    return { waiting: rest, contended: false };
  };
  let promisedAt: Timestamp;
  try {
    const times = await options.commits.commit({
      writes: 2,
      bytes: PROMISE_BYTES,
      add(writes) {
        writes.create(promised.ref, { ...promised.data, [COMMIT_FIELD]: commitId });
        writes.update(
          ref,
          { ...head, ...options.stamp?.(ref, head), [COMMIT_FIELD]: commitId },
          { lastUpdateTime: base.updateTime },
        );
      },
    });
    promisedAt = lastOf(times);
    memory.keep(ref.path, head, promisedAt);
  } catch (cause) {
    memory.forget(ref.path);
    if (!mayBeKnown(cause)) return refuse(cause);
    const [current, promise] = await within(READ_MS_MAX, options.firestore.getAll(ref, promised.ref));
    if (current?.exists === true) memory.remember(current);
    // Its own success may echo as a refusal.
    if (promise?.updateTime === undefined) return again(decided.map(({ waiting }) => waiting));
    promisedAt = promise.updateTime;
  }
  try {
    const brought = writesOf(decided, commitId);
    await options.commits.commit({
      writes: brought.writes + 1,
      bytes: brought.bytes,
      add(writes) {
        brought.add(writes);
        writes.delete(promised.ref, { lastUpdateTime: promisedAt });
      },
    });
  } catch (cause) {
    if (await withdraw(promised.ref, promisedAt)) {
      if (!mayBeKnown(cause)) return refuse(cause);
      return again(await unsettled(options, decided));
    }
  }
  settle(options, ref, decided);
  return { waiting: rest, contended: false };
}

/** About what a promise and the head take in a commit. */
const PROMISE_BYTES = 2_000;

/** False when what was promised is there. From then on it is decided. */
export async function withdraw(promise: DocumentReference, madeAt: Timestamp): Promise<boolean> {
  try {
    await within(READ_MS_MAX, promise.update({ withdrawn: true }, { lastUpdateTime: madeAt }));
    return true;
  } catch (cause) {
    const code = grpcCode(cause);
    if (code === GRPC.notFound) return false;
    if (code !== GRPC.failedPrecondition) throw cause;
    // Its own success may echo as a refusal.
    return (await within(READ_MS_MAX, promise.get())).exists;
  }
}

/** Changes that somebody else has made under the same proof are settled with that. */
async function unsettled<Head extends object>(
  options: HeadLogOptions<Head>,
  decided: readonly Decided<Head>[],
): Promise<readonly Waiting<Head>[]> {
  const proofs = decided.flatMap(({ waiting }) => waiting.change.proof?.ref ?? []);
  const found = proofs.length === 0 ? [] : await within(READ_MS_MAX, options.firestore.getAll(...proofs));
  return settleRepeated(decided, found);
}
