import type { Database } from "../kernel/database.ts";
import { projectOf } from "../kernel/rpc.ts";
import type { Revision } from "./schema.ts";

/** Schemas are their revisions, on disk; a schema is there as long as it has one. */
export interface SchemaStore {
  /** The newest first. */
  revisions(name: string): Revision[];
  revision(name: string, id: string): Revision | undefined;
  /** The newest revision of each schema, by name. */
  latest(project: string): Revision[];
  add(revision: Revision): void;
  remove(name: string, id: string): void;
  removeAll(name: string): void;
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS schemaRevisions (
    number INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, id TEXT NOT NULL, type INTEGER NOT NULL,
    definition TEXT NOT NULL, createMs REAL NOT NULL, UNIQUE (name, id)
  );
`;

export function createSchemaStore({ sql }: Database): SchemaStore {
  sql.exec(SCHEMA);
  const columns = "name, id, type, definition, createMs";
  const ofName = sql.prepare(`SELECT ${columns} FROM schemaRevisions WHERE name = ? ORDER BY number DESC`);
  const one = sql.prepare(`SELECT ${columns} FROM schemaRevisions WHERE name = ? AND id = ?`);
  const latest = sql.prepare(`
    SELECT ${columns} FROM schemaRevisions
    WHERE number IN (SELECT max(number) FROM schemaRevisions GROUP BY name) ORDER BY name`);
  const insert = sql.prepare(`INSERT INTO schemaRevisions (${columns}) VALUES (?, ?, ?, ?, ?)`);
  const remove = sql.prepare("DELETE FROM schemaRevisions WHERE name = ? AND id = ?");
  const removeAll = sql.prepare("DELETE FROM schemaRevisions WHERE name = ?");
  return {
    revisions: (name) => ofName.all(name) as unknown as Revision[],
    revision: (name, id) => one.get(name, id) as Revision | undefined,
    latest: (project) =>
      (latest.all() as unknown as Revision[]).filter(({ name }) => projectOf(name) === project),
    add: ({ name, id, type, definition, createMs }) => void insert.run(name, id, type, definition, createMs),
    remove: (name, id) => void remove.run(name, id),
    removeAll: (name) => void removeAll.run(name),
  };
}
