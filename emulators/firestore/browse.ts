import { decodeFields } from "./fields.ts";
import { findByPath } from "./found-document.ts";
import { segmentsBelow } from "./listing.ts";
import { parseDocumentName, pathKey } from "./path.ts";
import { parseQuery } from "./query.ts";
import type { FirestoreState } from "./state.ts";
import type { DatabaseRow } from "./collection-rows.ts";
import type { Micros } from "./time.ts";
import type { Fields, Value } from "./value.ts";

export interface BrowsedDocument {
  readonly id: string;
  readonly path: string;
  readonly createTime: string;
  readonly updateTime: string;
  readonly fields: Record<string, unknown>;
}

export interface BrowsePage {
  /** The databases there are, by name: `projects/{project}/databases/{database}`. */
  readonly databases: readonly string[];
  /** The ids of the collections below the path, where that is the root or a document. */
  readonly collections: readonly string[];
  /** The document at the path, if the path names one that exists. */
  readonly document: BrowsedDocument | undefined;
  /** The documents of the collection at the path, by id. */
  readonly documents: readonly BrowsedDocument[];
  /** Pass as `after` for the next page of documents. */
  readonly next: string | undefined;
}

export interface BrowseOptions {
  readonly database: string;
  /** "" for the root, else a collection's or document's path. */
  readonly path: string;
  readonly limit?: number;
  readonly after?: string | undefined;
}

export type Browse = (options: BrowseOptions) => BrowsePage;

const PAGE_DEFAULT = 50;
const COLLECTIONS_MAX = 500;

/** Reads documents for display. It bills nothing and locks nothing. */
export function browser(state: FirestoreState): Browse {
  return ({ database: name, path, limit = PAGE_DEFAULT, after = "" }) => {
    const database = state.store.databaseRow(name);
    const databases = state.store.databaseRows().map((row) => row.name);
    const empty = { databases, collections: [], document: undefined, documents: [], next: undefined };
    if (database.id === 0) return empty;
    const segments = path === "" ? [] : path.split("/");
    if (segments.length % 2 === 1)
      return { ...empty, ...documentsOf(state, database, { path, limit, after }) };
    const collections: string[] = [];
    for (const { segment } of segmentsBelow(state, database, path, "")) {
      if (collections.length === COLLECTIONS_MAX) break;
      collections.push(segment);
    }
    return { ...empty, collections, document: path === "" ? undefined : documentAt(state, database, path) };
  };
}

function documentAt(state: FirestoreState, database: DatabaseRow, path: string): BrowsedDocument | undefined {
  parseDocumentName(`${database.name}/documents/${path}`);
  const found = findByPath(state.store, database, pathKey(path));
  return found === undefined ? undefined : shown(path, found.document);
}

interface PageOfDocuments {
  readonly path: string;
  readonly limit: number;
  readonly after: string;
}

function documentsOf(
  state: FirestoreState,
  database: DatabaseRow,
  { path, limit, after }: PageOfDocuments,
): Pick<BrowsePage, "documents" | "next"> {
  const slash = path.lastIndexOf("/");
  const parent = { database: database.name, document: slash === -1 ? "" : path.slice(0, slash) };
  const query = parseQuery(parent, { from: [{ collectionId: path.slice(slash + 1) }], offset: 0 });
  const start = after === "" ? undefined : { keys: [pathKey(`${path}/${after}`)], before: false };
  const run = state.engine.run({ ...query, start }, state.readTime(database));
  const documents: BrowsedDocument[] = [];
  for (let found = run.next(); found !== undefined; found = run.next()) {
    if (documents.length === limit) return { documents, next: documents.at(-1)?.id };
    documents.push(shown(`${path}/${found.idText}`, found.document));
  }
  return { documents, next: undefined };
}

const isoTime = (micros: Micros): string => new Date(micros / 1000).toISOString();

function shown(
  path: string,
  { created, updated, fields }: { created: Micros; updated: Micros; fields: Buffer },
): BrowsedDocument {
  const id = path.slice(path.lastIndexOf("/") + 1);
  const [createTime, updateTime] = [isoTime(created), isoTime(updated)];
  return { id, path, createTime, updateTime, fields: plainFields(decodeFields(fields)) };
}

function plainFields(fields: Fields): Record<string, unknown> {
  return Object.fromEntries([...fields].map(([name, value]) => [name, plain(value)]));
}

/** A value as JSON for reading: what JSON has no type for becomes text, or an object that says so. */
function plain(value: Value): unknown {
  switch (value.type) {
    case "null":
      return null;
    case "boolean":
      return value.value;
    case "integer":
      return Number.isSafeInteger(Number(value.value)) ? Number(value.value) : String(value.value);
    case "double":
      return Number.isFinite(value.value) ? value.value : String(value.value);
    case "timestamp":
      return isoTime(value.seconds * 1e6 + value.nanos / 1000);
    case "string":
      return value.utf8.toString();
    case "bytes":
      return { bytes: value.bytes.toString("base64") };
    case "reference":
      return { reference: value.name };
    case "geoPoint":
      return { latitude: value.latitude, longitude: value.longitude };
    case "array":
      return value.values.map(plain);
    case "map":
      return plainFields(value.fields);
  }
}
