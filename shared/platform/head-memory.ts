import type { DocumentSnapshot } from "./firestore.ts";
import type { Timestamp } from "./firestore-values.ts";

/** A head and the update time on which the next commit is conditional. */
export interface RememberedHead<Head> {
  readonly head: Head;
  readonly updateTime: Timestamp;
  /** When it was last known to be the newest, on this process's own clock. */
  readonly seenMs: number;
}

/** The heads that this instance has seen last. They may be behind; the precondition of a commit tells. */
export interface HeadMemory<Head> {
  get(path: string): RememberedHead<Head> | undefined;
  keep(path: string, head: Head, updateTime: Timestamp): RememberedHead<Head>;
  remember(snapshot: DocumentSnapshot): void;
  forget(path: string): void;
}

/** Heads kept in memory; at about 2 KB each, 20 MB. The longest unused is forgotten first. */
export const HEADS_MAX = 10_000;

export function createHeadMemory<Head extends object>(): HeadMemory<Head> {
  const heads = new Map<string, RememberedHead<Head>>();
  const keep: HeadMemory<Head>["keep"] = (path, head, updateTime) => {
    const remembered = { head, updateTime, seenMs: performance.now() };
    heads.delete(path);
    heads.set(path, remembered);
    if (heads.size > HEADS_MAX) {
      const oldest = heads.keys().next();
      if (!oldest.done) heads.delete(oldest.value);
    }
    return remembered;
  };
  return {
    get: (path) => heads.get(path),
    keep,
    remember(snapshot) {
      const { updateTime } = snapshot;
      if (updateTime === undefined) return;
      const known = heads.get(snapshot.ref.path);
      // A read may overtake a commit on its way back: never step behind what is known.
      if (known !== undefined && known.updateTime.valueOf() > updateTime.valueOf()) return;
      keep(snapshot.ref.path, snapshot.data() as Head, updateTime);
    },
    forget: (path) => {
      heads.delete(path);
    },
  };
}
