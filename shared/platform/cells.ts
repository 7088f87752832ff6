import { z } from "zod";
import { type Bucket, openBucket } from "./bucket.ts";
import type { Config } from "./config.ts";
import { AppError } from "./errors.ts";
import { type Firestore, openFirestore } from "./firestore.ts";
import { parseJsonValue } from "./models/json-value.ts";

/** A deployment of its own beside others: its project, its region, its database, its bucket. */
export const Cell = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9-]{0,29}$/),
  /** Where clients reach its API. */
  url: z.url({ protocol: /^https?$/ }).transform((url) => url.replace(/\/+$/, "")),
  project: z.string().min(1),
  database: z.string().min(1).default("(default)"),
  /** The bucket of its files. */
  bucket: z.string().min(3),
});
export type Cell = z.infer<typeof Cell>;

export const CELLS_MAX = 1_000;
const CELLS_CHARS_MAX = 400_000;

/** Of the variable CELLS; the first keeps the directory. */
export const CellList = z
  .string()
  .max(CELLS_CHARS_MAX)
  .default("[]")
  .transform((text, context): readonly Cell[] => {
    const parsed = z.array(Cell).max(CELLS_MAX).safeParse(parseJsonValue(text));
    const names = parsed.success ? parsed.data.map(({ name }) => name) : [];
    if (parsed.success && new Set(names).size === names.length) return parsed.data;
    const message = parsed.success ? "two cells have one name" : z.prettifyError(parsed.error);
    context.addIssue({ code: "custom", message });
    return z.NEVER;
  });

/** The cells of which this deployment is one. Clients of others are opened when they are first asked for. */
export interface Cells {
  /** Undefined: this deployment is alone, and knows nothing of cells. */
  readonly own: Cell | undefined;
  /** @throws AppError `not_found` */
  named(name: string): Cell;
  /** The database in which the directory stands. */
  directory(): Firestore;
  firestoreOf(cell: Cell): Firestore;
  bucketOf(cell: Cell): Bucket;
  close(): Promise<void>;
}

export function openCells(
  config: Pick<Config, "cell" | "cells" | "storageSigner">,
  here: { readonly firestore: Firestore; readonly bucket: Bucket },
): Cells {
  const own = config.cells.find(({ name }) => name === config.cell);
  const databases = new Map<string, Firestore>();
  const buckets = new Map<string, Bucket>();
  const firestoreOf = (cell: Cell): Firestore => {
    if (cell === own) return here.firestore;
    const opened =
      databases.get(cell.name) ?? openFirestore({ projectId: cell.project, databaseId: cell.database });
    databases.set(cell.name, opened);
    return opened;
  };
  return {
    own,
    named(name) {
      const found = config.cells.find((cell) => cell.name === name);
      if (found === undefined) throw new AppError("not_found", "There is no such cell.");
      return found;
    },
    directory() {
      const [first] = config.cells;
      return first === undefined ? here.firestore : firestoreOf(first);
    },
    firestoreOf,
    bucketOf(cell) {
      if (cell === own) return here.bucket;
      const opened =
        buckets.get(cell.name) ??
        openBucket({ filesBucket: cell.bucket, storageSigner: config.storageSigner });
      buckets.set(cell.name, opened);
      return opened;
    },
    async close() {
      await Promise.all([...databases.values()].map((database) => database.terminate()));
    },
  };
}
