import { segmentKey, segmentOfKey } from "./path.ts";
import type { FirestoreState } from "./state.ts";
import type { Collection, DatabaseRow } from "./collection-rows.ts";
import type { Store } from "./store.ts";
import type { Micros } from "./time.ts";

/** Documents read at once while looking for those that existed at a time. */
const PAGE = 500;
/** Behind every id: no UTF-8 begins with this byte. */
const BEHIND_IDS = Buffer.from([0xff]);

export interface SegmentsBelow {
  readonly path: string;
  readonly at: Micros;
  readonly after: string;
}

/**
 * The segments that followed a path at a time in the past, each once and in order, and whether each was a
 * document that existed. There is no index of the past, so this goes through what is there now and
 * through the versions since: every document below the path in the worst case.
 */
export function* segmentsBelowAt(
  state: FirestoreState,
  database: DatabaseRow,
  { path, at, after }: SegmentsBelow,
): Generator<{ readonly segment: string; readonly exists: boolean }> {
  const { store } = state;
  const below = path === "" ? "" : `${path}/`;
  const segments = new Map<string, boolean>();
  for (const id of store.collectionIdsOfDatabase(database.id)) {
    const collection = store.collectionById(id);
    if (collection.path === path) {
      for (const document of idsAt(store, collection, at)) segments.set(segmentOfKey(document), true);
    } else if (collection.path.startsWith(below)) {
      const segment = collection.path.slice(below.length).split("/")[0] as string;
      if (segments.has(segment) || idsAt(store, collection, at).next().done === true) continue;
      segments.set(segment, false);
    }
  }
  const sorted = [...segments].map(([segment, exists]) => ({ segment, exists, key: segmentKey(segment) }));
  sorted.sort((one, other) => Buffer.compare(one.key, other.key));
  const from = segmentKey(after);
  for (const { segment, exists, key } of sorted) {
    if (after === "" || Buffer.compare(key, from) > 0) yield { segment, exists };
  }
}

/** The ids of the documents that a collection had at a time. */
function* idsAt(store: Store, { id }: Collection, at: Micros): Generator<Buffer> {
  const changed = new Set<string>();
  for (const version of store.changedSince(id, at)) {
    changed.add(version.id.toString("latin1"));
    if (version.before !== undefined) yield version.id;
  }
  let low = Buffer.alloc(0);
  for (;;) {
    const page = store.documentPage(id, { low, high: BEHIND_IDS, limit: PAGE });
    for (const row of page) if (!changed.has(row.id.toString("latin1"))) yield row.id;
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return;
    low = Buffer.concat([last.id, Buffer.alloc(1)]);
  }
}
