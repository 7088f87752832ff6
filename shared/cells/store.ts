import { isDeepStrictEqual } from "node:util";
import type { AppCollection } from "../identity/app.ts";
import type {
  DocumentData,
  DocumentReference,
  Firestore,
  Query,
  QueryDocumentSnapshot,
} from "../platform/firestore.ts";
import { FieldPath } from "../platform/firestore-values.ts";
import { within } from "../platform/within.ts";

/**
 * All documents of an app, one collection id after the other and within each by their names, wherever under
 * the app they lie: what lies under a document that is gone is found too.
 */

/** By their names, so that a collection that is forgotten here is an error of types. */
const OF_APPS: Readonly<Record<AppCollection, true>> = {
  chats: true,
  chatAliases: true,
  numbers: true,
  users: true,
  addresses: true,
  identities: true,
  sessions: true,
  challenges: true,
  tokens: true,
  invitations: true,
  externals: true,
  reports: true,
  requests: true,
  pairs: true,
  reads: true,
  drafts: true,
  scheduled: true,
  files: true,
  fileUsage: true,
  usage: true,
  search: true,
  rebuilds: true,
  personUsage: true,
  budgets: true,
  shadows: true,
  cachedAnswers: true,
  security: true,
  limits: true,
  lockouts: true,
  factors: true,
  presence: true,
  streams: true,
  notifications: true,
  devices: true,
  pushTokens: true,
  rollouts: true,
  outcomes: true,
  jobs: true,
  imported: true,
};
/** Under chats, messages and rollouts. */
const BELOW = "messages branches progress blocks summaries segments edits feedback decisions".split(" ");
/** Where instances note what they hold open: of no use elsewhere. */
const LEFT_BEHIND: ReadonlySet<string> = new Set(["streams"]);

/** Ids of collections, in the order in which an app is walked through. */
export const COLLECTION_IDS: readonly string[] = [...Object.keys(OF_APPS), ...BELOW].filter(
  (id) => !LEFT_BEHIND.has(id),
);

/** Documents of a page: a block takes up to 256 KiB, and an instance has room for some hundred of them. */
export const WALKED_PAGE = 100;
const PAGE_MS_MAX = 20_000;
/** A commit of Firestore takes 10 MiB. */
const COMMIT_BYTES_MAX = 4 * 1024 * 1024;

/** Where a walk goes on: in a collection id, after the document of this path; `""` is its beginning. */
export interface Place {
  readonly collection: number;
  readonly after: string;
}
export const BEGINNING: Place = { collection: 0, after: "" };

/** In names, what comes after all that lies under the app: ids of apps have no such sign. */
const behind = (firestore: Firestore, app: string): DocumentReference => firestore.doc(`apps/${app}\u0001`);

function pageOf(
  firestore: Firestore,
  app: string,
  { collection, after }: Place,
  through: string | undefined,
): Query {
  const id = COLLECTION_IDS[collection] ?? "";
  const name = FieldPath.documentId();
  const query = firestore
    .collectionGroup(id)
    .where(name, ">", firestore.doc(after === "" ? `apps/${app}` : after))
    .orderBy(name)
    .limit(WALKED_PAGE);
  return through === undefined
    ? query.where(name, "<", behind(firestore, app))
    : query.where(name, "<=", firestore.doc(through));
}

const found = async (query: Query): Promise<QueryDocumentSnapshot[]> =>
  (await within(PAGE_MS_MAX, query.get())).docs;

/** The next place; undefined when the walk is over. */
const nextPlace = ({ collection }: Place, last: string | undefined): Place | undefined => {
  if (last !== undefined) return { collection, after: last };
  return collection + 1 < COLLECTION_IDS.length ? { collection: collection + 1, after: "" } : undefined;
};

/**
 * Makes a page of the app in `to` what it is in `from`: writes what is missing or other there, deletes what
 * is not here. A query and a read for each document on both sides, a write for each that differs. Repeatable.
 */
export async function copyPage(
  { from, to }: { readonly from: Firestore; readonly to: Firestore },
  app: string,
  place: Place,
): Promise<{ readonly seen: number; readonly changed: number; readonly next: Place | undefined }> {
  const here = await found(pageOf(from, app, place, undefined));
  const last = here.length === WALKED_PAGE ? here.at(-1)?.ref.path : undefined;
  const there = new Map<string, QueryDocumentSnapshot>();
  for (let at = place; ;) {
    const page = await found(pageOf(to, app, at, last));
    for (const document of page) there.set(document.ref.path, document);
    if (page.length < WALKED_PAGE) break;
    at = { ...at, after: page.at(-1)?.ref.path ?? "" };
  }
  const writes = createWrites(to);
  for (const document of here) {
    const { path } = document.ref;
    const data = document.data();
    if (!isDeepStrictEqual(data, there.get(path)?.data())) await writes.set(path, data);
    there.delete(path);
  }
  for (const path of there.keys()) await writes.remove(path);
  await writes.commit();
  return { seen: here.length, changed: writes.count, next: nextPlace(place, last) };
}

/** Deletes a page of the app. A query, and a read and a delete for each document. Repeatable. */
export async function deletePage(
  firestore: Firestore,
  app: string,
  place: Place,
): Promise<{ readonly seen: number; readonly next: Place | undefined }> {
  const documents = await found(pageOf(firestore, app, place, undefined));
  const writes = createWrites(firestore);
  for (const { ref } of documents) await writes.remove(ref.path);
  await writes.commit();
  const last = documents.length === WALKED_PAGE ? documents.at(-1)?.ref.path : undefined;
  return { seen: documents.length, next: nextPlace(place, last) };
}

/** Commits what it is given, whenever that fills a commit and at last. */
function createWrites(firestore: Firestore) {
  let batch = firestore.batch();
  let bytes = 0;
  let count = 0;
  const commit = async (): Promise<void> => {
    if (bytes === 0) return;
    const full = batch;
    batch = firestore.batch();
    bytes = 0;
    await within(PAGE_MS_MAX, full.commit());
  };
  const make = async (size: number, write: () => void): Promise<void> => {
    if (bytes + size > COMMIT_BYTES_MAX) await commit();
    write();
    bytes += size;
    count += 1;
  };
  return {
    commit,
    get count() {
      return count;
    },
    set: (path: string, data: DocumentData) =>
      make(sizeOf(path, data), () => batch.set(firestore.doc(path), data)),
    remove: (path: string) => make(sizeOf(path, {}), () => batch.delete(firestore.doc(path))),
  };
}

/** About what it takes in a commit, and never less. */
const sizeOf = (path: string, data: object): number =>
  path.length * 2 +
  Buffer.byteLength(
    JSON.stringify(data, (_, value: unknown) => (Buffer.isBuffer(value) ? value.toString("latin1") : value)),
  );

/** Collections right under the app that a walk does not know. One RPC. */
export async function unknownCollections(firestore: Firestore, app: string): Promise<string[]> {
  const collections = await within(PAGE_MS_MAX, firestore.doc(`apps/${app}`).listCollections());
  return collections.map(({ id }) => id).filter((id) => !COLLECTION_IDS.includes(id) && !LEFT_BEHIND.has(id));
}
