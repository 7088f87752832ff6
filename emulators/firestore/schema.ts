import { randomBytes } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";

/** The version of the tables. An older file is refused instead of misread. */
const SCHEMA_VERSION = 1;

/** Pages kept in memory; the system keeps more of the file in its own cache. */
const CACHE_KIB = 32_768;

/** Index slots with a fixed meaning: every document of a database, and of a collection group, by name. */
export const NAMES_SLOT = 1;
export const GROUP_NAMES_SLOT = 2;

/**
 * - `documents` holds what is true now. Rows are large, so names have a slim index of their own.
 * - `versions` holds what each commit replaced, oldest first: for reads in the past, for listeners
 *   that resume, and as the list of changes that index entries have yet to follow. They are found by
 *   span of time first, so that commits to many collections touch few pages of that index.
 * - `entries` is every index: `key` is scope, slot and encoded values, `id` the document.
 * - `unsettled` names collections whose entries lag behind, and the time they stand at.
 */
const TABLES = `
  CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
  CREATE TABLE databases (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, time INTEGER NOT NULL);
  CREATE TABLE collection_groups (
    id INTEGER PRIMARY KEY, database INTEGER NOT NULL, name TEXT NOT NULL, UNIQUE (database, name)
  );
  CREATE INDEX collection_groups_by_name ON collection_groups (name);
  CREATE TABLE collections (
    id INTEGER PRIMARY KEY, database INTEGER NOT NULL, path TEXT NOT NULL, collection_group INTEGER NOT NULL,
    UNIQUE (database, path)
  );
  CREATE INDEX collections_by_group ON collections (collection_group);
  CREATE TABLE documents (
    document INTEGER PRIMARY KEY, collection INTEGER NOT NULL, id BLOB NOT NULL,
    created INTEGER NOT NULL, updated INTEGER NOT NULL, fields BLOB NOT NULL
  );
  CREATE UNIQUE INDEX documents_by_name ON documents (collection, id);
  CREATE TABLE versions (
    sequence INTEGER PRIMARY KEY, span INTEGER NOT NULL, collection INTEGER NOT NULL, time INTEGER NOT NULL,
    id BLOB NOT NULL, created INTEGER, updated INTEGER, fields BLOB
  );
  CREATE INDEX versions_by_span ON versions (span, collection, time, id);
  CREATE TABLE slots (id INTEGER PRIMARY KEY, definition TEXT NOT NULL UNIQUE);
  CREATE TABLE entries (key BLOB NOT NULL, id BLOB NOT NULL, PRIMARY KEY (key, id)) WITHOUT ROWID;
  CREATE TABLE unsettled (collection INTEGER PRIMARY KEY, since INTEGER NOT NULL);
  INSERT INTO slots VALUES (${NAMES_SLOT}, 'names'), (${GROUP_NAMES_SLOT}, 'group names');
`;

/** Creates the tables of a new file, and refuses a file of another kind. */
export function prepareSchema(sql: DatabaseSync): void {
  sql.exec(`PRAGMA cache_size = -${CACHE_KIB}`);
  const { user_version: version } = sql.prepare("PRAGMA user_version").get() as { user_version: number };
  if (version === SCHEMA_VERSION) return;
  if (version !== 0) {
    throw new Error(
      `The Firestore file has format ${version}, this emulator reads ${SCHEMA_VERSION}. Start with --fresh.`,
    );
  }
  sql.exec("BEGIN IMMEDIATE");
  sql.exec(TABLES);
  // Tokens and transaction ids carry this, so that those of another file are not taken for ours.
  sql.prepare("INSERT INTO meta VALUES ('incarnation', ?)").run(randomBytes(8));
  sql.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`);
  sql.exec("COMMIT");
}
