import type { CompositeIndex, IndexCatalog } from "./catalog.ts";
import {
  COLLECTION_SCOPE,
  type Entry,
  EntryMaker,
  type EntryTarget,
  entryTarget,
  GROUP_SCOPE,
  scopePrefix,
} from "./entries.ts";
import { addDifference, addGroupName, type EntryQueue } from "./entry-queue.ts";
import { fieldsOf } from "./fields.ts";
import { successor } from "./key.ts";
import { pathKey } from "./path.ts";
import type { Collection } from "./collection-rows.ts";
import type { Store, StoredDocument } from "./store.ts";

/** What rebuilding entries works with. */
export interface Rebuilding {
  readonly store: Store;
  readonly catalog: IndexCatalog;
  readonly queue: EntryQueue;
  /** Runs work in the open group of writes; no request waits for it. */
  readonly inBackground: (work: () => void) => void;
}

/** Documents read at a time. */
const REBUILD_PAGE = 500;

/** Rebuilds all entries of a group's collections, in every database. */
export function rebuildGroup(rebuilding: Rebuilding, name: string): void {
  const { store } = rebuilding;
  for (const { id: groupId } of store.groupsNamed(name)) {
    clearEntries(rebuilding, scopePrefix(GROUP_SCOPE, groupId));
    for (const collectionId of store.collectionIdsOfGroup(groupId)) {
      clearEntries(rebuilding, scopePrefix(COLLECTION_SCOPE, collectionId));
      eachDocument(rebuilding, store.collectionById(collectionId), (maker, target, document) => {
        addGroupName(rebuilding.queue, target);
        addDifference(rebuilding.queue, maker, target, { before: undefined, after: document });
      });
    }
  }
}

function clearEntries({ store, inBackground }: Rebuilding, prefix: Buffer): void {
  const clear = store.statement("DELETE FROM entries WHERE key >= ? AND key < ?");
  inBackground(() => clear.run(prefix, successor(prefix)));
}

/** Makes the entries of an index that is new, for the documents there are. */
export function fillIndex(rebuilding: Rebuilding, index: CompositeIndex): void {
  const { store, queue } = rebuilding;
  for (const { id: groupId } of store.groupsNamed(index.group)) {
    for (const collectionId of store.collectionIdsOfGroup(groupId)) {
      eachDocument(rebuilding, store.collectionById(collectionId), (maker, target, document) => {
        const entries: Entry[] = [];
        maker.ofComposite(target, fieldsOf(document), index, entries);
        for (const entry of entries) queue.add(entry, true);
      });
    }
  }
}

function eachDocument(
  { store, catalog, queue, inBackground }: Rebuilding,
  collection: Collection,
  visit: (maker: EntryMaker, target: EntryTarget, document: StoredDocument) => void,
): void {
  const collectionKey = pathKey(collection.path);
  let low: Uint8Array = Buffer.alloc(0);
  for (;;) {
    const page = store.documentPage(collection.id, {
      low,
      high: Buffer.alloc(1, 0xff),
      limit: REBUILD_PAGE,
    });
    const last = page.at(-1);
    if (last === undefined) return;
    inBackground(() => {
      const maker = new EntryMaker(catalog, collection);
      for (const { id, document } of page) visit(maker, entryTarget(collection, collectionKey, id), document);
      queue.writeUntil(Number.POSITIVE_INFINITY);
    });
    store.database.flush();
    low = Buffer.concat([last.id, Buffer.alloc(1)]);
  }
}
