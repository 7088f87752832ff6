import type { Firestore, Timestamp, WriteBatch } from "@google-cloud/firestore";
import { isTransient } from "./errors.ts";
import { within } from "./within.ts";

/** Writes that belong together and either all happen or none. */
export interface CommitPart {
  /** How many writes `add` adds. */
  readonly writes: number;
  /** Roughly how large they are. */
  readonly bytes: number;
  add(batch: WriteBatch): void;
}

/**
 * Commits parts, several in one call when there are many: the call costs more processor time than the writes
 * in it. When a shared commit is refused, each of its parts is committed alone, so one part can't spoil
 * another.
 */
export interface SharedCommits {
  /**
   * Resolves with the times of the part's writes, in their order.
   * @throws Google's error; a transient one leaves open whether the part was committed
   */
  commit(part: CommitPart): Promise<readonly Timestamp[]>;
}

/** After this time the outcome of a commit counts as unknown. */
export const COMMIT_MS_MAX = 3_000;
/** A commit larger than this is not shared; Firestore takes 10 MiB. */
export const COMMIT_BYTES_MAX = 4_000_000;
/** Commits under way before the next ones share: up to here each goes by itself and at once. */
export const ALONE_MAX = 4;
/** Parts of one commit. More would save little and make one contended part delay many. */
export const PARTS_MAX = 8;

interface Waiting {
  readonly part: CommitPart;
  resolve(times: readonly Timestamp[]): void;
  reject(cause: unknown): void;
}

export function createSharedCommits(firestore: Firestore): SharedCommits {
  const waiting: Waiting[] = [];
  let underWay = 0;

  const send = async (parts: readonly CommitPart[]): Promise<readonly Timestamp[]> => {
    const batch = firestore.batch();
    for (const part of parts) part.add(batch);
    const results = await within(COMMIT_MS_MAX, batch.commit());
    return results.map(({ writeTime }) => writeTime);
  };

  const settleAlone = ({ part, resolve, reject }: Waiting): Promise<void> =>
    send([part]).then(resolve, reject);

  const settleTogether = async (group: readonly Waiting[]): Promise<void> => {
    try {
      const times = await send(group.map(({ part }) => part));
      let next = 0;
      for (const { part, resolve } of group) {
        resolve(times.slice(next, next + part.writes));
        next += part.writes;
      }
    } catch (cause) {
      // Nothing was written, because of one of them; alone, the others succeed.
      if (group.length > 1 && isRefusal(cause)) await Promise.all(group.map(settleAlone));
      else for (const { reject } of group) reject(cause);
    }
  };

  const takeGroup = (): Waiting[] => {
    let bytes = 0;
    const fits = waiting.findIndex(({ part }, index) => {
      bytes += part.bytes;
      return index > 0 && (index >= PARTS_MAX || bytes > COMMIT_BYTES_MAX);
    });
    return waiting.splice(0, fits === -1 ? waiting.length : fits);
  };

  const proceed = async (): Promise<void> => {
    underWay += 1;
    while (waiting.length > 0) await settleTogether(takeGroup());
    underWay -= 1;
  };

  return {
    commit: (part) =>
      new Promise((resolve, reject) => {
        waiting.push({ part, resolve, reject });
        if (underWay < ALONE_MAX) void proceed();
      }),
  };
}

/** A refusal says that nothing was written; after anything else the outcome is open. */
const isRefusal = (cause: unknown): boolean =>
  typeof (cause as { code?: unknown }).code === "number" && !isTransient(cause);
