import type { CollectionReference, Query, QueryDocumentSnapshot } from "./firestore.ts";
import { Timestamp } from "./firestore-values.ts";
import type { Log } from "./log.ts";
import type { Upkeep } from "./upkeep.ts";
import { within } from "./within.ts";

/**
 * A small list that every instance follows by a listener: using it costs no read, and a change is here in
 * milliseconds. A listener that has died silently looks like one without news, and an instance gets no
 * processor time between requests. So the list also has an age, the time since Firestore was last heard from,
 * and it is read once when the age passes CONFIRM_AFTER_MS.
 */
export interface Followed<Value> {
  /**
   * The list, heard of at most `staleMsMax` ago. No Firestore operation in the request unless the list
   * is older or not known yet; then one query.
   * @throws AppError `unavailable`, or a Google client error, when it is older and can't be read
   */
  read(staleMsMax: number): Promise<Value>;
  /** Reads what is new now. One query, shared by all who ask meanwhile. */
  confirm(): Promise<Value>;
  /** Calls `hear` with the list whenever it has changed; returns the end of that. */
  onChange(hear: (value: Value) => void): () => void;
}

/**
 * Where a followed document says when it was written last, in Firestore's time: reading the list again asks
 * for what is newer than what is known, which is mostly nothing, and costs one read.
 */
export const RECORDED_AT = "recordedAt";

/** An instance that serves requests reads the list this often at most; one that serves none, never. */
export const CONFIRM_AFTER_MS = 10_000;
/** A request may have to wait for this, so it is shorter than other reads. */
const CONFIRM_MS_MAX = 2_000;
/**
 * Firestore stamps a write with the time at which it took the request, in whole milliseconds: a little before
 * a read that did not see it yet.
 */
const OVERLAP_MS = 2_000;
/** A listener that was refused is opened again no sooner. */
const REOPEN_MS = 5_000;

interface Snapshot {
  readonly docs: readonly QueryDocumentSnapshot[];
  readonly readTime: Timestamp;
}

interface Known<Value> {
  readonly documents: ReadonlyMap<string, QueryDocumentSnapshot>;
  readonly value: Value;
  readonly readTime: Timestamp;
}

export function follow<Value>(
  deps: { readonly upkeep: Upkeep; readonly log: Log },
  collection: CollectionReference,
  query: Query,
  parse: (documents: readonly QueryDocumentSnapshot[]) => Value,
): Followed<Value> {
  let known: Known<Value> | undefined;
  let heardMs = Number.NEGATIVE_INFINITY;
  let stop: (() => void) | undefined;
  let openedMs = Number.NEGATIVE_INFINITY;
  let confirming: Promise<Value> | undefined;
  const hearers = new Set<(value: Value) => void>();

  const keep = (documents: ReadonlyMap<string, QueryDocumentSnapshot>, readTime: Timestamp): Value => {
    const value = parse([...documents.values()]);
    known = { documents, value, readTime };
    for (const hear of hearers) hear(value);
    return value;
  };

  /** The whole list. A read and the listener may overtake each other: the later state wins. */
  const take = ({ docs, readTime }: Snapshot, sinceMs: number): Value => {
    heardMs = Math.max(heardMs, sinceMs);
    if (known !== undefined && readTime.valueOf() < known.readTime.valueOf()) return known.value;
    return keep(new Map(docs.map((document) => [document.id, document])), readTime);
  };

  /** What is newer than the list as it was known; the listener may have brought it meanwhile. */
  const add = ({ docs, readTime }: Snapshot, to: Known<Value>, sinceMs: number): Value => {
    heardMs = Math.max(heardMs, sinceMs);
    const present = known ?? to;
    if (docs.length === 0 || readTime.valueOf() < present.readTime.valueOf()) return present.value;
    const documents = new Map(present.documents);
    for (const document of docs) documents.set(document.id, document);
    return keep(documents, readTime);
  };

  const listen = (): void => {
    if (stop !== undefined || performance.now() - openedMs < REOPEN_MS) return;
    openedMs = performance.now();
    stop = query.onSnapshot(
      (snapshot) => void take(snapshot, performance.now()),
      (cause) => {
        stop = undefined;
        deps.log.error("A listener was ended by Firestore; it is opened again.", cause);
      },
    );
  };

  const confirm = (): Promise<Value> => {
    confirming ??= deps.upkeep
      .run(async () => {
        listen();
        const sinceMs = performance.now();
        const before = known;
        if (before === undefined) return take(await within(CONFIRM_MS_MAX, query.get()), sinceMs);
        const since = Timestamp.fromMillis(before.readTime.toMillis() - OVERLAP_MS);
        const newer = collection.where(RECORDED_AT, ">", since);
        return add(await within(CONFIRM_MS_MAX, newer.get()), before, sinceMs);
      })
      .finally(() => {
        confirming = undefined;
      });
    return confirming;
  };

  deps.upkeep.onClose(() => stop?.());
  return {
    confirm,
    onChange(hear) {
      hearers.add(hear);
      return () => void hearers.delete(hear);
    },
    async read(staleMsMax) {
      const ageMs = performance.now() - heardMs;
      if (known === undefined || ageMs > staleMsMax) return confirm();
      if (ageMs > CONFIRM_AFTER_MS && confirming === undefined) {
        confirm().catch((cause: unknown) => deps.log.error("A followed list could not be read.", cause));
      }
      return known.value;
    },
  };
}
