import type { SQLInputValue } from "node:sqlite";
import { type Database, openDatabase } from "../kernel/database.ts";
import type { BucketResource, NotificationResource, ObjectResource } from "./resources.ts";

/** live: what a name means now; old: kept by versioning; softDeleted: kept until its hard deletion. */
export type Standing = "live" | "old" | "softDeleted";

export interface StoredObject {
  readonly bucket: string;
  readonly name: string;
  /** Microseconds since the epoch at which it was made; never given twice. */
  readonly generation: number;
  readonly metageneration: number;
  readonly standing: Standing;
  readonly blob: string;
  readonly size: number;
  readonly resource: ObjectResource;
}

export interface StoredBucket {
  readonly name: string;
  readonly project: string;
  readonly metageneration: number;
  readonly resource: BucketResource;
}

/** A resumable session, or a multipart upload of the XML API. */
export interface StoredUpload {
  readonly id: string;
  readonly kind: "resumable" | "multipart";
  readonly bucket: string;
  readonly name: string;
  readonly createdMs: number;
  /** Empty for multipart uploads, whose parts have blobs of their own. */
  readonly blob: string;
  /** What the initiating request said, as the handler of the upload needs it again. */
  readonly plan: unknown;
  /** Bytes that are on disk for good. */
  readonly received: number;
  /** The reply of a finished session, for repeated requests. */
  readonly done: string | undefined;
}

export interface StoredPart {
  readonly number: number;
  readonly blob: string;
  readonly size: number;
  readonly etag: string;
  readonly updatedMs: number;
}

/** A notification that Pub/Sub has not accepted yet. */
export interface OutboxEntry {
  readonly id: number;
  readonly topic: string;
  readonly attributes: Record<string, string>;
  readonly data: Buffer;
}

/** Where a scan of names goes on. */
export interface ScanPosition {
  readonly name: string;
  /** Names from `name` on (false), or generations behind this one of it. */
  readonly afterGeneration: number | undefined;
}

export interface StorageState {
  readonly database: Database;
  bucket(name: string): StoredBucket | undefined;
  buckets(project: string | undefined): StoredBucket[];
  putBucket(bucket: StoredBucket): void;
  removeBucket(name: string): void;
  live(bucket: string, name: string): StoredObject | undefined;
  version(bucket: string, name: string, generation: number): StoredObject | undefined;
  putObject(object: StoredObject): void;
  removeObject(object: StoredObject): void;
  /** Objects in the order of names and generations, `live` only or of any of the given standings. */
  scan(bucket: string, from: ScanPosition, standings: readonly Standing[], limit: number): StoredObject[];
  /** How many versions of the name are newer. */
  newerVersions(object: StoredObject): number;
  isEmpty(bucket: string): boolean;
  isReferenced(blob: string): boolean;
  lastGeneration(): number;
  upload(id: string): StoredUpload | undefined;
  uploads(bucket: string | undefined): StoredUpload[];
  putUpload(upload: StoredUpload): void;
  /** Deletes the upload with its parts, and returns the blobs that nothing refers to any more. */
  removeUpload(id: string): string[];
  parts(upload: string): StoredPart[];
  putPart(upload: string, part: StoredPart): void;
  notifications(bucket: string): NotificationResource[];
  putNotification(bucket: string, notification: NotificationResource): void;
  removeNotification(bucket: string, id: string): void;
  addToOutbox(entry: Omit<OutboxEntry, "id">): void;
  outbox(limit: number): OutboxEntry[];
  removeFromOutbox(id: number): void;
  counts(): { buckets: number; objects: number; bytes: number };
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS buckets (
    name TEXT PRIMARY KEY, project TEXT NOT NULL, metageneration INTEGER NOT NULL, resource TEXT NOT NULL
  );
  CREATE TABLE IF NOT EXISTS objects (
    bucket TEXT NOT NULL, name TEXT NOT NULL, generation INTEGER NOT NULL, metageneration INTEGER NOT NULL,
    standing TEXT NOT NULL, blob TEXT NOT NULL, size INTEGER NOT NULL, resource TEXT NOT NULL,
    PRIMARY KEY (bucket, name, generation)
  );
  -- Versions of one name must not slow down finding the live one, nor a list of live ones.
  CREATE UNIQUE INDEX IF NOT EXISTS liveObjects ON objects (bucket, name) WHERE standing = 'live';
  CREATE INDEX IF NOT EXISTS objectsByBlob ON objects (blob);
  CREATE INDEX IF NOT EXISTS objectsByGeneration ON objects (generation);
  CREATE TABLE IF NOT EXISTS uploads (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, bucket TEXT NOT NULL, name TEXT NOT NULL, createdMs REAL NOT NULL,
    blob TEXT NOT NULL, plan TEXT NOT NULL, received INTEGER NOT NULL, done TEXT
  );
  CREATE TABLE IF NOT EXISTS parts (
    upload TEXT NOT NULL, number INTEGER NOT NULL, blob TEXT NOT NULL, size INTEGER NOT NULL, etag TEXT NOT NULL,
    updatedMs REAL NOT NULL, PRIMARY KEY (upload, number)
  );
  CREATE TABLE IF NOT EXISTS notifications (
    bucket TEXT NOT NULL, id INTEGER NOT NULL, resource TEXT NOT NULL, PRIMARY KEY (bucket, id)
  );
  CREATE TABLE IF NOT EXISTS outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT NOT NULL, attributes TEXT NOT NULL, data BLOB NOT NULL
  );
`;

type Row = Record<string, unknown>;

/** A row whose JSON columns become values. */
const decoded = <T>(row: Row | undefined, ...columns: readonly string[]): T | undefined => {
  if (row === undefined) return undefined;
  const copy: Row = { ...row };
  for (const column of columns) copy[column] = JSON.parse(copy[column] as string);
  return copy as T;
};

/** Buckets, objects and uploads in SQLite. Changes are made inside `database.write`. */
export function openState(path: string | undefined): StorageState {
  const database = openDatabase(path);
  const { sql } = database;
  sql.exec(SCHEMA);
  const one = <T>(
    text: string,
    ...json: readonly string[]
  ): ((...values: SQLInputValue[]) => T | undefined) => {
    const statement = sql.prepare(text);
    return (...values) => decoded<T>(statement.get(...values), ...json);
  };
  const all = <T>(text: string, ...json: readonly string[]): ((...values: SQLInputValue[]) => T[]) => {
    const statement = sql.prepare(text);
    return (...values) => statement.all(...values).map((row) => decoded<T>(row, ...json) as T);
  };
  const run = (text: string): ((...values: SQLInputValue[]) => void) => {
    const statement = sql.prepare(text);
    return (...values) => void statement.run(...values);
  };
  return {
    database,
    ...bucketRows(one, all, run),
    ...objectRows(one, all, run),
    ...uploadRows(one, all, run),
    ...notificationRows(all, run),
  };
}

type One = <T>(text: string, ...json: readonly string[]) => (...values: SQLInputValue[]) => T | undefined;
type All = <T>(text: string, ...json: readonly string[]) => (...values: SQLInputValue[]) => T[];
type Run = (text: string) => (...values: SQLInputValue[]) => void;

function bucketRows(one: One, all: All, run: Run) {
  const bucket = one<StoredBucket>("SELECT * FROM buckets WHERE name = ?", "resource");
  const buckets = all<StoredBucket>(
    "SELECT * FROM buckets WHERE ? IN ('', project) ORDER BY name",
    "resource",
  );
  const put = run("INSERT OR REPLACE INTO buckets VALUES (?, ?, ?, ?)");
  const remove = run("DELETE FROM buckets WHERE name = ?");
  const removeNotifications = run("DELETE FROM notifications WHERE bucket = ?");
  return {
    bucket: (name: string) => bucket(name),
    buckets: (project: string | undefined) => buckets(project ?? ""),
    putBucket: ({ name, project, metageneration, resource }: StoredBucket) =>
      put(name, project, metageneration, JSON.stringify(resource)),
    removeBucket(name: string) {
      remove(name);
      removeNotifications(name);
    },
  };
}

function objectRows(one: One, all: All, run: Run) {
  const live = one<StoredObject>(
    "SELECT * FROM objects WHERE bucket = ? AND name = ? AND standing = 'live'",
    "resource",
  );
  const version = one<StoredObject>(
    "SELECT * FROM objects WHERE bucket = ? AND name = ? AND generation = ?",
    "resource",
  );
  const put = run("INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
  const remove = run("DELETE FROM objects WHERE bucket = ? AND name = ? AND generation = ?");
  const after = "bucket = ? AND (name, generation) > (?, ?)";
  const scanLive = all<StoredObject>(
    `SELECT * FROM objects WHERE ${after} AND name >= ?2 AND standing = 'live' ORDER BY name LIMIT ?`,
    "resource",
  );
  const scanAny = all<StoredObject>(
    `SELECT * FROM objects WHERE ${after} AND standing IN (SELECT value FROM json_each(?))
     ORDER BY name, generation LIMIT ?`,
    "resource",
  );
  const newer = one<{ count: number }>(
    `SELECT count(*) AS count FROM objects
     WHERE bucket = ? AND name = ? AND generation > ? AND standing != 'softDeleted'`,
  );
  const any = one<{ found: number }>(
    "SELECT 1 AS found FROM objects WHERE bucket = ? AND standing != 'softDeleted' LIMIT 1",
  );
  const last = one<{ last: number | null }>("SELECT max(generation) AS last FROM objects");
  const referenced = one<{ found: number }>(
    `SELECT 1 AS found FROM objects WHERE blob = ?1 UNION ALL SELECT 1 FROM uploads WHERE blob = ?1
     UNION ALL SELECT 1 FROM parts WHERE blob = ?1 LIMIT 1`,
  );
  const counts = one<{ buckets: number; objects: number; bytes: number }>(
    `SELECT (SELECT count(*) FROM buckets) AS buckets, count(*) AS objects, coalesce(sum(size), 0) AS bytes FROM objects`,
  );
  return {
    live: (bucket: string, name: string) => live(bucket, name),
    version: (bucket: string, name: string, generation: number) => version(bucket, name, generation),
    putObject: (object: StoredObject) =>
      put(
        object.bucket,
        object.name,
        object.generation,
        object.metageneration,
        object.standing,
        object.blob,
        object.size,
        JSON.stringify(object.resource),
      ),
    removeObject: ({ bucket, name, generation }: StoredObject) => remove(bucket, name, generation),
    scan(bucket: string, from: ScanPosition, standings: readonly Standing[], limit: number) {
      const generation = from.afterGeneration ?? -1;
      return standings.length === 1 && standings[0] === "live"
        ? scanLive(bucket, from.name, generation, limit)
        : scanAny(bucket, from.name, generation, JSON.stringify(standings), limit);
    },
    newerVersions: ({ bucket, name, generation }: StoredObject) =>
      newer(bucket, name, generation)?.count ?? 0,
    isEmpty: (bucket: string) => any(bucket) === undefined,
    isReferenced: (blob: string) => referenced(blob) !== undefined,
    lastGeneration: () => last()?.last ?? 0,
    counts: () => counts() ?? { buckets: 0, objects: 0, bytes: 0 },
  };
}

function uploadRows(one: One, all: All, run: Run) {
  type UploadRow = Omit<StoredUpload, "done"> & { readonly done: string | null };
  const upload = one<UploadRow>("SELECT * FROM uploads WHERE id = ?", "plan");
  const uploads = all<UploadRow>("SELECT * FROM uploads WHERE ? IN ('', bucket) ORDER BY name, id", "plan");
  const put = run("INSERT OR REPLACE INTO uploads VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
  const remove = run("DELETE FROM uploads WHERE id = ?");
  const parts = all<StoredPart>(
    "SELECT number, blob, size, etag, updatedMs FROM parts WHERE upload = ? ORDER BY number",
  );
  const putPart = run("INSERT OR REPLACE INTO parts VALUES (?, ?, ?, ?, ?, ?)");
  const removeParts = run("DELETE FROM parts WHERE upload = ?");
  const plain = (row: UploadRow): StoredUpload => ({ ...row, done: row.done ?? undefined });
  return {
    upload(id: string) {
      const row = upload(id);
      return row === undefined ? undefined : plain(row);
    },
    uploads: (bucket: string | undefined) => uploads(bucket ?? "").map(plain),
    putUpload: ({ id, kind, bucket, name, createdMs, blob, plan, received, done }: StoredUpload) =>
      put(id, kind, bucket, name, createdMs, blob, JSON.stringify(plan), received, done ?? null),
    removeUpload(id: string) {
      const blobs = [upload(id)?.blob ?? "", ...parts(id).map(({ blob }) => blob)].filter(
        (blob) => blob !== "",
      );
      remove(id);
      removeParts(id);
      return blobs;
    },
    parts: (id: string) => parts(id),
    putPart: (id: string, { number, blob, size, etag, updatedMs }: StoredPart) =>
      putPart(id, number, blob, size, etag, updatedMs),
  };
}

function notificationRows(all: All, run: Run) {
  const list = all<{ resource: NotificationResource }>(
    "SELECT resource FROM notifications WHERE bucket = ? ORDER BY id",
    "resource",
  );
  const put = run("INSERT OR REPLACE INTO notifications VALUES (?, ?, ?)");
  const remove = run("DELETE FROM notifications WHERE bucket = ? AND id = ?");
  const add = run("INSERT INTO outbox (topic, attributes, data) VALUES (?, ?, ?)");
  const outbox = all<OutboxEntry>("SELECT * FROM outbox ORDER BY id LIMIT ?", "attributes");
  const removeEntry = run("DELETE FROM outbox WHERE id = ?");
  return {
    notifications: (bucket: string) => list(bucket).map(({ resource }) => resource),
    putNotification: (bucket: string, notification: NotificationResource) =>
      put(bucket, Number(notification.id), JSON.stringify(notification)),
    removeNotification: (bucket: string, id: string) => remove(bucket, Number(id)),
    addToOutbox: ({ topic, attributes, data }: Omit<OutboxEntry, "id">) =>
      add(topic, JSON.stringify(attributes), data),
    outbox: (limit: number) => outbox(limit).map((entry) => ({ ...entry, data: Buffer.from(entry.data) })),
    removeFromOutbox: (id: number) => removeEntry(id),
  };
}
