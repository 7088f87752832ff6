import type { StatementSync } from "node:sqlite";
import type { Database } from "../kernel/database.ts";
import { groupOf } from "./path.ts";
import type { Micros } from "./time.ts";

export interface DatabaseRow {
  readonly id: number;
  readonly name: string;
  /** The latest time given out, by a commit or a read; every later commit is later. */
  time: Micros;
  /** The time of the latest commit that changed anything. */
  committed: Micros;
}

export interface Collection {
  readonly id: number;
  readonly database: DatabaseRow;
  readonly path: string;
  readonly groupId: number;
  /** The collection's own id, which names its group. */
  readonly group: string;
}

/** Collections remembered by path; the map starts over beyond that. */
export const COLLECTIONS_CACHED_MAX = 20_000;

/** The numbers that stand for databases, collection groups and collections. */
export class CollectionRows {
  readonly database: Database;
  private readonly databases = new Map<string, DatabaseRow>();
  private readonly collections = new Map<string, Collection>();
  private readonly collectionsById = new Map<number, Collection>();
  private readonly statements = new Map<string, StatementSync>();

  constructor(database: Database) {
    this.database = database;
  }

  /** A prepared statement, prepared once. */
  statement(sql: string): StatementSync {
    let statement = this.statements.get(sql);
    if (statement === undefined) {
      statement = this.database.sql.prepare(sql);
      this.statements.set(sql, statement);
    }
    return statement;
  }

  private databaseId(name: string): number | undefined {
    const row = this.statement("SELECT id FROM databases WHERE name = ?").get(name) as
      | { id: number }
      | undefined;
    return row?.id;
  }

  /** A database's row; its id is 0 while nothing was ever written to it. */
  databaseRow(name: string): DatabaseRow {
    const known = this.databases.get(name);
    if (known !== undefined) return known;
    const found = this.statement("SELECT id, time FROM databases WHERE name = ?").get(name) as
      | { id: number; time: number }
      | undefined;
    const row: DatabaseRow = {
      id: found?.id ?? 0,
      name,
      time: found?.time ?? 0,
      committed: found?.time ?? 0,
    };
    this.databases.set(name, row);
    return row;
  }

  databaseRows(): DatabaseRow[] {
    const rows = this.statement("SELECT name FROM databases ORDER BY name").all() as { name: string }[];
    return rows.map(({ name }) => this.databaseRow(name));
  }

  private databaseById(id: number): DatabaseRow {
    const { name } = this.statement("SELECT name FROM databases WHERE id = ?").get(id) as { name: string };
    return this.databaseRow(name);
  }

  findCollection(database: DatabaseRow, path: string): Collection | undefined {
    const known = this.collections.get(`${database.name} ${path}`);
    if (known !== undefined) return known;
    if (database.id === 0) return undefined;
    const row = this.statement(
      "SELECT id, collection_group AS groupId FROM collections WHERE database = ? AND path = ?",
    ).get(database.id, path) as { id: number; groupId: number } | undefined;
    return row === undefined ? undefined : this.remember(row.id, database, path, row.groupId);
  }

  collectionById(id: number): Collection {
    const known = this.collectionsById.get(id);
    if (known !== undefined) return known;
    const row = this.statement(
      "SELECT database, path, collection_group AS groupId FROM collections WHERE id = ?",
    ).get(id) as { database: number; path: string; groupId: number };
    return this.remember(id, this.databaseById(row.database), row.path, row.groupId);
  }

  private remember(id: number, database: DatabaseRow, path: string, groupId: number): Collection {
    if (this.collections.size >= COLLECTIONS_CACHED_MAX) {
      this.collections.clear();
      this.collectionsById.clear();
    }
    const collection = { id, database, path, groupId, group: groupOf(path) };
    this.collections.set(`${database.name} ${path}`, collection);
    this.collectionsById.set(id, collection);
    return collection;
  }

  /** Inside a write: the collection's row, made when it is new. */
  ensureCollection(database: DatabaseRow, path: string): Collection {
    const found = this.findCollection(database, path);
    if (found !== undefined) return found;
    if (database.id === 0) {
      const inserted = this.statement("INSERT INTO databases (name, time) VALUES (?, ?)").run(
        database.name,
        database.time,
      );
      Object.assign(database, { id: Number(inserted.lastInsertRowid) });
    }
    const groupId = this.findGroup(database, groupOf(path)) ?? this.insertGroup(database, groupOf(path));
    const inserted = this.statement(
      "INSERT INTO collections (database, path, collection_group) VALUES (?, ?, ?)",
    ).run(database.id, path, groupId);
    return this.remember(Number(inserted.lastInsertRowid), database, path, groupId);
  }

  findGroup(database: DatabaseRow, name: string): number | undefined {
    const row = this.statement("SELECT id FROM collection_groups WHERE database = ? AND name = ?").get(
      database.id,
      name,
    ) as { id: number } | undefined;
    return row?.id;
  }

  private insertGroup(database: DatabaseRow, name: string): number {
    const sql = "INSERT INTO collection_groups (database, name) VALUES (?, ?)";
    return Number(this.statement(sql).run(database.id, name).lastInsertRowid);
  }

  /** Every database's group of that name. */
  groupsNamed(name: string): { readonly id: number; readonly database: DatabaseRow }[] {
    const sql = "SELECT id, database FROM collection_groups WHERE name = ?";
    const rows = this.statement(sql).all(name) as { id: number; database: number }[];
    return rows.map((row) => ({ id: row.id, database: this.databaseById(row.database) }));
  }

  collectionIdsOfDatabase(databaseId: number): number[] {
    const sql = "SELECT id FROM collections WHERE database = ?";
    return (this.statement(sql).all(databaseId) as { id: number }[]).map(({ id }) => id);
  }

  collectionIdsOfGroup(groupId: number): number[] {
    const sql = "SELECT id FROM collections WHERE collection_group = ?";
    return (this.statement(sql).all(groupId) as { id: number }[]).map(({ id }) => id);
  }

  /** Forgets what mirrors rows, after rows were rolled back. Times only ever grow, so they stay. */
  forget(): void {
    this.collections.clear();
    this.collectionsById.clear();
    for (const row of this.databases.values()) {
      if (row.id !== 0) Object.assign(row, { id: this.databaseId(row.name) ?? 0 });
    }
  }
}
