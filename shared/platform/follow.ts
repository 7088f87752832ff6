import type { Query, QueryDocumentSnapshot, Timestamp } from "@google-cloud/firestore";
import type { Log } from "./log.ts";
import type { Upkeep } from "./upkeep.ts";
import { within } from "./within.ts";

/**
 * A small list that every instance follows by a listener: using it costs no read, and a change is here
 * in milliseconds. A listener that has died without a word looks like one without news, and an instance
 * gets no processor time between requests; so an answer also has an age, the time since Firestore was last
 * heard of, and the list is read once when the age passes CONFIRM_AFTER_MS.
 */
export interface Followed<Value> {
  /**
   * The list, heard of at most `staleMsMax` ago. No Firestore operation in the request unless the list
   * is older or not known yet; then one query.
   * @throws AppError `unavailable`, or a Google client error, when it is older and can't be read
   */
  read(staleMsMax: number): Promise<Value>;
  /** Reads the list now. One query, shared by all who ask meanwhile. */
  confirm(): Promise<Value>;
}

/** An instance that serves requests reads the list this often at most; one that serves none, never. */
export const CONFIRM_AFTER_MS = 10_000;
/** A request may have to wait for this, so it is shorter than other reads. */
const CONFIRM_MS_MAX = 2_000;
/** A listener that was refused is opened again no sooner. */
const REOPEN_MS = 5_000;

interface Snapshot {
  readonly docs: readonly QueryDocumentSnapshot[];
  readonly readTime: Timestamp;
}

export function follow<Value>(
  deps: { readonly upkeep: Upkeep; readonly log: Log },
  query: () => Query,
  parse: (documents: readonly QueryDocumentSnapshot[]) => Value,
): Followed<Value> {
  let known: { value: Value; readTime: Timestamp } | undefined;
  let heardMs = Number.NEGATIVE_INFINITY;
  let stop: (() => void) | undefined;
  let openedMs = Number.NEGATIVE_INFINITY;
  let confirming: Promise<Value> | undefined;

  /** A read and the listener may overtake each other: the later state wins. */
  const take = (snapshot: Snapshot, sinceMs: number): Value => {
    heardMs = Math.max(heardMs, sinceMs);
    if (known === undefined || snapshot.readTime.valueOf() >= known.readTime.valueOf()) {
      known = { value: parse(snapshot.docs), readTime: snapshot.readTime };
    }
    return known.value;
  };

  const listen = (): void => {
    if (stop !== undefined || performance.now() - openedMs < REOPEN_MS) return;
    openedMs = performance.now();
    stop = query().onSnapshot(
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
        return take(await within(CONFIRM_MS_MAX, query().get()), sinceMs);
      })
      .finally(() => {
        confirming = undefined;
      });
    return confirming;
  };

  deps.upkeep.onClose(() => stop?.());
  return {
    confirm,
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
