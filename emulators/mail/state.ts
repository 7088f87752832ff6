import { openDatabase } from "../kernel/database.ts";
import { LIST_DEFAULT, MAILS_KEPT_MAX } from "./limits.ts";

/** One mail in one recipient's mailbox. */
export interface Mail {
  readonly id: number;
  /** The address it was delivered to, which need not stand in its headers. */
  readonly to: string;
  readonly from: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  /** When it was accepted: RFC 3339, UTC. */
  readonly at: string;
}

export interface MailFilter {
  readonly to?: string | undefined;
  readonly limit?: number | undefined;
}

export interface Mailbox {
  /** Resolves once the mails are on disk. */
  add(mails: readonly Omit<Mail, "id">[]): Promise<Mail[]>;
  /** The newest first. */
  list(filter?: MailFilter): Mail[];
  close(): void;
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS mails (
    id INTEGER PRIMARY KEY AUTOINCREMENT, recipient TEXT NOT NULL, mail TEXT NOT NULL
  );
  CREATE INDEX IF NOT EXISTS mailsByRecipient ON mails (recipient, id);
`;

export function openMailbox(path: string | undefined): Mailbox {
  const database = openDatabase(path);
  const { sql } = database;
  sql.exec(SCHEMA);
  const insert = sql.prepare("INSERT INTO mails (recipient, mail) VALUES (?, ?)");
  const trim = sql.prepare("DELETE FROM mails WHERE id <= ?");
  const all = sql.prepare("SELECT id, mail FROM mails ORDER BY id DESC LIMIT ?");
  const byRecipient = sql.prepare("SELECT id, mail FROM mails WHERE recipient = ? ORDER BY id DESC LIMIT ?");

  return {
    add: (mails) =>
      database.write(() =>
        mails.map((mail) => {
          const id = Number(insert.run(mail.to.toLowerCase(), JSON.stringify(mail)).lastInsertRowid);
          trim.run(id - MAILS_KEPT_MAX);
          return { id, ...mail };
        }),
      ),
    list({ to, limit = LIST_DEFAULT } = {}) {
      const rows = to === undefined ? all.all(limit) : byRecipient.all(to.toLowerCase(), limit);
      return rows.map((row) => ({
        id: row.id as number,
        ...(JSON.parse(row.mail as string) as Omit<Mail, "id">),
      }));
    },
    close: database.close,
  };
}
