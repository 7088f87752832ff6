import { parseDocumentName, segmentOfKey } from "./path.ts";
import type { FirestoreState } from "./state.ts";
import type { Collection } from "./collection-rows.ts";
import type { Write } from "./write-parse.ts";

/** The number of documents deleted in one commit, before other requests get their turn. */
const CLEAR_BATCH = 500;
/** Behind every id: no UTF-8 begins with this byte. */
const BEHIND_IDS = Buffer.from([0xff]);

/**
 * Deletes all documents of a database and ends its transactions, for test suites between their tests. These
 * are ordinary commits, so listeners see the deletions.
 */
export async function clearDatabase(state: FirestoreState, name: string): Promise<void> {
  const database = state.store.databaseRow(name);
  state.transactionsOf(name).close();
  const never = new AbortController().signal;
  for (const id of state.store.collectionIdsOfDatabase(database.id)) {
    const collection = state.store.collectionById(id);
    for (
      let writes = deletions(state, collection);
      writes.length > 0;
      writes = deletions(state, collection)
    ) {
      await state.commit(database, writes, undefined, () => never);
    }
  }
}

function deletions(state: FirestoreState, { id, database, path }: Collection): Write[] {
  const page = state.store.documentPage(id, {
    low: Buffer.alloc(0),
    high: BEHIND_IDS,
    limit: CLEAR_BATCH,
  });
  return page.map((row) => {
    const name = `${database.name}/documents/${path}/${segmentOfKey(row.id)}`;
    return {
      kind: "delete",
      path: parseDocumentName(name),
      name,
      fields: new Map(),
      mask: undefined,
      transforms: [],
      precondition: undefined,
    };
  });
}
