import { createHash } from "node:crypto";
import { buffer } from "node:stream/consumers";
import { z } from "zod";
import type { Bucket } from "../../platform/bucket.ts";
import { AppError } from "../../platform/errors.ts";
import type { IndexRow } from "../html/index-page.ts";
import type { ExportObjects } from "./object-names.ts";

/**
 * An archive is written in parts, each an object that is written once and bears the cursor with which the
 * next begins. So a part and the state after it are kept in one step: whoever does the same part again,
 * because the process died or another has taken over, finds it there and goes on behind it, and an archive
 * never holds two states of what was read twice (docs/decisions/0031).
 */

/** What the archive's end is made of: kept beside a part, since all of it together may be large. */
export interface PartNotes {
  /** What the central directory says of the entries that have ended in the part. */
  readonly directory: Buffer;
  /** The chats that begin in it. */
  readonly rows: readonly IndexRow[];
}

const StoredNotes = z.object({
  directory: z.string(),
  rows: z.array(
    z.object({ number: z.number(), title: z.string(), messages: z.number(), latestAt: z.string() }),
  ),
});

const ARCHIVE_TYPE = "application/zip";

/**
 * Keeps a part, unless there is one. Returns the cursor that counts: that of the part which is there. 2 calls
 * to the bucket, 3 where another was faster. Idempotent.
 * @throws AppError `conflict` when the export was cancelled meanwhile
 */
export async function keepPart(
  bucket: Bucket,
  objects: ExportObjects,
  part: number,
  { bytes, notes, cursor }: { readonly bytes: Buffer; readonly notes: PartNotes; readonly cursor: string },
): Promise<string> {
  const noted = encodeNotes(notes);
  const hash = createHash("sha256").update(noted).digest("hex");
  const isNoted = notes.directory.length > 0 || notes.rows.length > 0;
  // Named after its content: what another has noted of the same part stands beside it.
  if (isNoted) await bucket.write(objects.notes(part, hash), noted, "application/json");
  const written = { cursor, ...(isNoted ? { hash } : {}) };
  if (await bucket.writeOnce(objects.part(part), bytes, { type: ARCHIVE_TYPE, notes: written }))
    return cursor;
  const found = await findPart(bucket, objects, part);
  if (found === undefined) throw new AppError("conflict", "The export was ended while it was written.");
  return found;
}

/** The cursor after a part; undefined when it has not been written. 1 call to the bucket. */
export const findPart = async (
  bucket: Bucket,
  objects: ExportObjects,
  part: number,
): Promise<string | undefined> => (await bucket.stat(objects.part(part)))?.notes?.cursor;

/** What is noted of a part. 1 or 2 calls to the bucket. @throws when the part is not there */
export async function readNotes(bucket: Bucket, objects: ExportObjects, part: number): Promise<PartNotes> {
  const found = await bucket.stat(objects.part(part));
  if (found === undefined) throw new Error("A part that was written is there.");
  const hash = found.notes?.hash;
  if (hash === undefined) return { directory: Buffer.alloc(0), rows: [] };
  const name = objects.notes(part, hash);
  const noted = await bucket.stat(name);
  if (noted === undefined) throw new Error("The notes of a part are as long there as it is.");
  return decodeNotes(await buffer(await bucket.read(name, { generation: noted.generation })));
}

const encodeNotes = ({ directory, rows }: PartNotes): Buffer =>
  Buffer.from(JSON.stringify({ directory: directory.toString("base64"), rows }));

function decodeNotes(bytes: Buffer): PartNotes {
  const { directory, rows } = StoredNotes.parse(JSON.parse(bytes.toString()));
  return { directory: Buffer.from(directory, "base64"), rows };
}
