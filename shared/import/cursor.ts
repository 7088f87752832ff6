import { z } from "zod";

/** Where an import goes on, and what has come of it so far. */
const Cursor = z.object({
  /** All is read; what is left is to say so. */
  isRead: z.boolean(),
  /** Which text of the file. */
  text: z.number().int().min(0),
  /** In it, in UTF-8, and how many rows stand before. */
  position: z.number().min(0),
  rows: z.number().int().min(0),
  columns: z.array(z.string()).optional(),
  chats: z.number(),
  messages: z.number(),
  files: z.number(),
  existing: z.number(),
  skipped: z.number(),
  /** Parts of the report, and how many rows are in them. */
  parts: z.array(z.string()),
  named: z.number(),
});
export type Cursor = z.infer<typeof Cursor>;

const BEGINNING: Cursor = {
  isRead: false,
  text: 0,
  position: 0,
  rows: 0,
  chats: 0,
  messages: 0,
  files: 0,
  existing: 0,
  skipped: 0,
  parts: [],
  named: 0,
};

export const parseCursor = (text: string | null): Cursor =>
  text === null ? BEGINNING : Cursor.parse(JSON.parse(text));
