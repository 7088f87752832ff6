import { buffer } from "node:stream/consumers";
import { keptName } from "../../files/object-names.ts";
import type { StoredFile } from "../../files/store.ts";
import type { ExportContext } from "../export-context.ts";
import type { FilePlace, Output } from "../turn.ts";

/** Bytes of a file that are read and written at once. */
export const CHUNK_BYTES = 8 * 1024 * 1024;
/** What compression makes smaller; of the rest it would only take time. */
const PACKS = /^(?:text\/|application\/(?:json|xml|x-ndjson|csv))/;

/**
 * Writes the next bytes of a file into the archive, at `path`. Returns where it goes on; undefined when it is
 * done, or its bytes are gone. 1 or 2 calls to the bucket.
 */
export async function writeFile(
  { deps: { bucket }, app }: ExportContext,
  { writer, counts }: Output,
  {
    id,
    stored,
    path,
    place,
  }: {
    readonly id: string;
    readonly stored: StoredFile | undefined;
    readonly path: string;
    readonly place: FilePlace | undefined;
  },
): Promise<FilePlace | undefined> {
  const generation = stored?.status === "ready" ? stored.generation : undefined;
  const name = generation === undefined ? undefined : keptName(app, id, generation);
  const found = name === undefined ? undefined : await bucket.stat(name);
  const isGone = found === undefined || (place !== undefined && found.generation !== place.generation);
  if (isGone || name === undefined) {
    counts.lost += 1;
    if (place !== undefined) await writer.end();
    return undefined;
  }
  const { start } = place ?? { start: 0 };
  if (place === undefined) writer.begin(path, found.size);
  const end = Math.min(start + CHUNK_BYTES, found.size);
  if (end > start) {
    const range = { generation: found.generation, start, end: end - 1 };
    await writer.append(await buffer(await bucket.read(name, range)), !PACKS.test(stored?.type ?? ""));
  }
  if (end < found.size) return { generation: found.generation, size: found.size, start: end };
  await writer.end();
  counts.files += 1;
  return undefined;
}
