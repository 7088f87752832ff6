import type { CollectionReference, Query, QueryDocumentSnapshot } from "./firestore.ts";
import { Timestamp } from "./firestore-values.ts";
import type { Log } from "./log.ts";
import type { Upkeep } from "./upkeep.ts";
import { within } from "./within.ts";

/**
 * A small list that every instance follows by a listener: using it costs no read, and a change is here in
 * milliseconds. A listener that has died silently looks like one without news, and an instance gets no
 * processor time between requests. So the list also has an age: since when it may have missed something, by
 * the time that Firestore gives what is heard. What is new is asked for in time, and waited for by the first
 * request that an instance serves after a sleep.
 */
export interface Followed<Value> {
  /**
   * The list, no older than CONFIRM_AFTER_MS; or than `staleMsMax`, where Firestore can't be reached. No
   * Firestore operation in the request unless the list is older or not known yet; then one query.
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

/**
 * An instance that serves requests reads the list this often at most, beside them; one that serves none,
 * never.
 */
export const REFRESH_AFTER_MS = 5_000;
/**
 * A request waits for what is new when the list is older than this: then nothing has been heard although
 * requests came, or none has come, and the instance had no processor time to hear anything.
 */
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

/** What is made of the documents, kept up to date one by one. */
export interface Index<Value> {
  readonly value: Value;
  set(document: QueryDocumentSnapshot): void;
  remove(id: string): void;
}

/** Of a short list: all of it is made anew with each change. */
export function wholeIndex<Value>(
  parse: (documents: readonly QueryDocumentSnapshot[]) => Value,
): Index<Value> {
  const documents = new Map<string, QueryDocumentSnapshot>();
  let value: Value | undefined;
  return {
    get value() {
      value ??= parse([...documents.values()]);
      return value;
    },
    set(document) {
      documents.set(document.id, document);
      value = undefined;
    },
    remove(id) {
      documents.delete(id);
      value = undefined;
    },
  };
}

/** A moment of this machine, by both of its clocks. */
interface Moment {
  readonly steadyMs: number;
  readonly wallMs: number;
}

const presentMoment = (): Moment => ({ steadyMs: performance.now(), wallMs: Date.now() });

/**
 * How long ago it was. A machine that is put to sleep may stop one of its clocks, and somebody may turn the
 * other back; so the one that says longer is believed.
 */
function ageMs(moment: Moment): number {
  const { steadyMs, wallMs } = presentMoment();
  return Math.max(steadyMs - moment.steadyMs, wallMs - moment.wallMs);
}

/** A read's time at Firestore, and the moment before it was asked: what was known then is not older. */
interface Sounding {
  readonly readTime: Timestamp;
  readonly asked: Moment;
}

/**
 * The moment that a later time of Firestore is no older than. What a listener brings may have waited in a
 * sleeping instance, so its arrival says nothing.
 */
function momentOf(readTime: Timestamp, { readTime: sounded, asked }: Sounding): Moment {
  const laterMs = readTime.toMillis() - sounded.toMillis();
  const { steadyMs, wallMs } = presentMoment();
  return {
    steadyMs: Math.min(asked.steadyMs + laterMs, steadyMs),
    wallMs: Math.min(asked.wallMs + laterMs, wallMs),
  };
}

export function follow<Value>(
  deps: { readonly upkeep: Pick<Upkeep, "run" | "onClose">; readonly log: Log },
  collection: CollectionReference,
  query: Query,
  index: Index<Value>,
): Followed<Value> {
  /** When each known document was written. */
  const written = new Map<string, Timestamp>();
  let readTime: Timestamp | undefined;
  let sounding: Sounding | undefined;
  let heard: Moment | undefined;
  let stop: (() => void) | undefined;
  let openedMs = Number.NEGATIVE_INFINITY;
  let confirming: Promise<Value> | undefined;
  let failedMs = Number.NEGATIVE_INFINITY;
  const hearers = new Set<(value: Value) => void>();

  /** A read and the listener may overtake each other: the later state of each document stays. */
  const set = (document: QueryDocumentSnapshot): boolean => {
    const known = written.get(document.id);
    if (known !== undefined && known.valueOf() >= document.updateTime.valueOf()) return false;
    written.set(document.id, document.updateTime);
    index.set(document);
    return true;
  };
  const remove = (id: string, at: Timestamp): boolean => {
    const known = written.get(id);
    if (known === undefined || known.valueOf() > at.valueOf()) return false;
    written.delete(id);
    index.remove(id);
    return true;
  };

  /** Takes a state of Firestore's into account: when it was, and whether it has changed anything here. */
  const note = (at: Timestamp, hasChanged: boolean): void => {
    if (readTime === undefined || at.valueOf() > readTime.valueOf()) readTime = at;
    const moment = sounding && momentOf(at, sounding);
    if (moment !== undefined && (heard === undefined || moment.steadyMs > heard.steadyMs)) heard = moment;
    if (hasChanged) for (const hear of hearers) hear(index.value);
  };

  const setAll = (documents: readonly QueryDocumentSnapshot[]): boolean =>
    documents.reduce((hasChanged, document) => set(document) || hasChanged, false);

  /** What is not in a whole list any more was removed. */
  const setWhole = (documents: readonly QueryDocumentSnapshot[], at: Timestamp): boolean => {
    const present = new Set(documents.map(({ id }) => id));
    const gone = [...written.keys()].filter((id) => !present.has(id));
    const hasChanged = setAll(documents);
    return gone.reduce((has, id) => remove(id, at) || has, hasChanged);
  };

  const listen = (): void => {
    if (stop !== undefined || performance.now() - openedMs < REOPEN_MS) return;
    openedMs = performance.now();
    let isFirst = true;
    stop = query.onSnapshot(
      (snapshot) => {
        const at = snapshot.readTime;
        if (isFirst) {
          isFirst = false;
          note(at, setWhole(snapshot.docs, at));
          return;
        }
        const changed = snapshot
          .docChanges()
          .map(({ type, doc }) => (type === "removed" ? remove(doc.id, at) : set(doc)));
        note(at, changed.includes(true));
      },
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
        const asked = presentMoment();
        const since = sounding && readTime;
        const newer =
          since === undefined
            ? query
            : collection.where(RECORDED_AT, ">", Timestamp.fromMillis(since.toMillis() - OVERLAP_MS));
        const found = await within(CONFIRM_MS_MAX, newer.get());
        sounding = { readTime: found.readTime, asked };
        note(found.readTime, since === undefined ? setWhole(found.docs, found.readTime) : setAll(found.docs));
        return index.value;
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
      const age = heard === undefined ? Infinity : ageMs(heard);
      if (age > staleMsMax) return confirm();
      if (age > REFRESH_AFTER_MS) {
        const isFailing = performance.now() - failedMs < REFRESH_AFTER_MS;
        const confirmed = confirm().catch((cause: unknown) => {
          failedMs = performance.now();
          deps.log.error("A followed list could not be read.", cause);
        });
        // While Firestore can't be reached, not every request waits to find that out.
        if (age > CONFIRM_AFTER_MS && !isFailing) await confirmed;
      }
      return index.value;
    },
  };
}
