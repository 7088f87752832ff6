import { z } from "zod";
import { DrawnId } from "../identity/contract.ts";

/** What somebody brings in from elsewhere, or takes out. */

/** How an export of another product is written; `auto` tells it by the content. */
export const IMPORT_FORMATS = [
  "auto",
  "csv",
  "jsonl",
  "chatgpt",
  "claude",
  "librechat",
  "openwebui",
  "slack",
  "scrollback",
] as const;

const COLUMN_CHARS_MAX = 200;
const ColumnName = z.string().min(1).max(COLUMN_CHARS_MAX);

/** Which column of a table is what, by the names in its first row. */
export const Columns = z
  .strictObject({
    chat: ColumnName,
    title: ColumnName,
    sender: ColumnName,
    email: ColumnName,
    role: ColumnName,
    time: ColumnName,
    id: ColumnName,
    parent: ColumnName,
    model: ColumnName,
  })
  .partial()
  .extend({ text: ColumnName });

export const NewImport = z.strictObject({
  /** An uploaded file of the caller's own. */
  file: DrawnId,
  format: z.enum(IMPORT_FORMATS).default("auto"),
  /** Of a table; guessed by their names where it is left out. */
  columns: Columns.optional(),
  /** Counts what would be brought, and brings nothing. */
  dryRun: z.boolean().optional(),
});
export type NewImport = z.infer<typeof NewImport>;

export const NewExport = z
  .strictObject({
    format: z.literal("zip").default("zip"),
    /** `app`: all of the app, for its owners. */
    scope: z.enum(["person", "app"]).default("person"),
  })
  .prefault({});
export type NewExport = z.infer<typeof NewExport>;

/** The task that goes on with a transfer: `job` is a job of the app. */
export const TransferTask = z.object({
  app: z.string(),
  job: z.string(),
  step: z.number().int().min(0),
});
export type TransferTask = z.infer<typeof TransferTask>;

/** The task `send-mail` about a transfer that is over. */
export const TransferMail = z.object({ app: z.string(), transfer: z.string() });
export type TransferMail = z.infer<typeof TransferMail>;
