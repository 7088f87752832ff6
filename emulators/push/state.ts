import { openDatabase } from "../kernel/database.ts";
import { LIST_DEFAULT, PUSHES_KEPT_MAX } from "./limits.ts";
import type { Message } from "./message.ts";

/** One message, as FCM would have handed it to a device. */
export interface Push {
  readonly id: number;
  /** `projects/{project}/messages/{id}` */
  readonly name: string;
  readonly token: string;
  /** The field `user` of the message's data, where it has one. */
  readonly user?: string | undefined;
  readonly notification?: Message["notification"];
  readonly data: Readonly<Record<string, string>>;
  /** The key by which devices replace an earlier message. */
  readonly collapseKey?: string | undefined;
  readonly message: Message;
  /** When it was accepted: RFC 3339, UTC. */
  readonly at: string;
}

export interface PushFilter {
  readonly user?: string | undefined;
  readonly project?: string | undefined;
  readonly limit?: number | undefined;
}

export interface Pushes {
  /** Resolves once it is on disk. */
  add(project: string, push: Omit<Push, "id">): Promise<void>;
  /** The newest first. */
  list(filter?: PushFilter): Push[];
  /** Marks the token as one of an app that has been removed. */
  unregister(project: string, token: string): Promise<void>;
  isUnregistered(project: string, token: string): boolean;
  close(): void;
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS pushes (
    id INTEGER PRIMARY KEY AUTOINCREMENT, project TEXT NOT NULL, user TEXT, push TEXT NOT NULL
  );
  CREATE INDEX IF NOT EXISTS pushesByUser ON pushes (user, id);
  CREATE TABLE IF NOT EXISTS unregistered (
    project TEXT NOT NULL, token TEXT NOT NULL, PRIMARY KEY (project, token)
  ) WITHOUT ROWID;
`;

export function openPushes(path: string | undefined): Pushes {
  const database = openDatabase(path);
  const { sql } = database;
  sql.exec(SCHEMA);
  const insert = sql.prepare("INSERT INTO pushes (project, user, push) VALUES (?, ?, ?)");
  const trim = sql.prepare("DELETE FROM pushes WHERE id <= ?");
  const select = sql.prepare(
    `SELECT id, push FROM pushes
     WHERE (?1 IS NULL OR user = ?1) AND (?2 IS NULL OR project = ?2) ORDER BY id DESC LIMIT ?3`,
  );
  const mark = sql.prepare("INSERT OR IGNORE INTO unregistered (project, token) VALUES (?, ?)");
  const isMarked = sql.prepare("SELECT 1 FROM unregistered WHERE project = ? AND token = ?");

  return {
    add: (project, push) =>
      database.write(() => {
        const { lastInsertRowid } = insert.run(project, push.user ?? null, JSON.stringify(push));
        trim.run(Number(lastInsertRowid) - PUSHES_KEPT_MAX);
      }),
    list({ user, project, limit = LIST_DEFAULT } = {}) {
      return select.all(user ?? null, project ?? null, limit).map((row) => ({
        ...(JSON.parse(row["push"] as string) as Omit<Push, "id">),
        id: row["id"] as number,
      }));
    },
    unregister: (project, token) => database.write(() => void mark.run(project, token)),
    isUnregistered: (project, token) => isMarked.get(project, token) !== undefined,
    close: database.close,
  };
}
