import { eachConcurrently } from "../../platform/each-concurrently.ts";
import { type PartNotes, readNotes } from "../archive/parts.ts";
import { beginJoining } from "../archive/join-parts.ts";
import { EXPORT_FORMAT, EXPORT_VERSION, type ExportManifest, exportPaths } from "../contract.ts";
import type { ExportContext } from "../export-context.ts";
import { INDEX_ROWS, indexPage, type IndexRow } from "../html/index-page.ts";
import { jsonBytes, type Place, type Turn } from "../turn.ts";
import { archiveEnd } from "../zip/archive-writer.ts";
import { ACCOUNT_LISTS, accountPath } from "./account.ts";

/** Rows of the index that are sorted at once; they take about 4 MiB. */
const ROWS_AT_ONCE = 20 * INDEX_ROWS;
/** Notes that are read at once, and in one turn. */
const NOTES_AT_ONCE = 16;
const NOTES_MAX = 1_000;
/** Of the central directory, what one turn writes. */
const DIRECTORY_BYTES = 4 * 1024 * 1024;

type IndexPlace = Extract<Place, { stage: "index" }>;

/**
 * Writes pages of the index of chats, out of what was noted of the parts: those with the latest message
 * first, as far as ROWS_AT_ONCE go.
 */
export const turnOfIndex: Turn<IndexPlace> = async (context, { part, page, rows: written }, output) => {
  const { writer, counts, rows: own, part: current } = output;
  // The rows of this part are noted only with it.
  if (own.length > 0) return { place: { stage: "index", part, page, rows: written }, isPartDone: true };
  const read = await readFrom(context, part, current, ({ rows }) => rows.length, ROWS_AT_ONCE);
  const rows = read.notes.flatMap((notes) => notes.rows).sort((a, b) => (a.latestAt < b.latestAt ? 1 : -1));
  let at = { page, written };
  while (rows.length > 0 || at.page === 1) {
    const some = rows.splice(0, INDEX_ROWS);
    at = { page: at.page + 1, written: at.written + some.length };
    const isLast = at.written >= counts.chats;
    await writer.add(
      exportPaths.index(at.page - 1),
      pageOf(context, { part: at.page - 1, rows: some, isLast }),
    );
  }
  return {
    place:
      at.written >= counts.chats || read.next >= current
        ? { stage: "manifest" }
        : { stage: "index", part: read.next, page: at.page, rows: at.written },
  };
};

function pageOf(
  { scope, appHead, name, begunMs, manner }: ExportContext,
  {
    part,
    rows,
    isLast,
  }: { readonly part: number; readonly rows: readonly IndexRow[]; readonly isLast: boolean },
): Buffer {
  const account = ACCOUNT_LISTS.map((list) => ({ path: accountPath(list, 1, "html"), label: list.label }));
  return indexPage({
    title: scope === "app" ? appHead.name : name,
    begunAt: new Date(begunMs).toISOString(),
    part,
    rows,
    isLast,
    besides: scope === "app" ? [{ path: exportPaths.list("app", "app.html"), label: "App" }] : account,
    manner,
  });
}

type ManifestPlace = Extract<Place, { stage: "manifest" }>;

/** Writes the last entry, which says what the archive is. */
export const turnOfManifest: Turn<ManifestPlace> = async (context, _place, { writer, counts, part }) => {
  const { scope, app, appHead, person, name, begunMs } = context;
  const manifest: ExportManifest = {
    format: EXPORT_FORMAT,
    version: EXPORT_VERSION,
    scope,
    app: { id: app.id, name: appHead.name },
    person: { id: person, name },
    begunAt: new Date(begunMs).toISOString(),
    counts: { ...counts },
  };
  await writer.add(exportPaths.manifest, jsonBytes(manifest));
  // The directory is made of the notes of all parts, this one included.
  return { place: { stage: "directory", part: 0, parts: part + 1, bytes: 0 }, isPartDone: true };
};

type DirectoryPlace = Extract<Place, { stage: "directory" }>;

/** Writes the next records of the central directory, and the archive's end after the last. */
export const turnOfDirectory: Turn<DirectoryPlace> = async (context, { part, parts, bytes }, output) => {
  const { writer } = output;
  const size = ({ directory }: PartNotes): number => directory.length;
  const { notes, next } = await readFrom(context, part, parts, size, DIRECTORY_BYTES);
  const records = Buffer.concat(notes.map(({ directory }) => directory));
  writer.addRaw(records);
  const written = bytes + records.length;
  if (next < parts) return { place: { stage: "directory", part: next, parts, bytes: written } };
  writer.addRaw(archiveEnd(writer.state, written));
  return { place: { stage: "join", ...beginJoining(output.part + 1) }, isPartDone: true };
};

/** Notes of parts from one on, until they measure enough, and the part to go on with. */
async function readFrom(
  { deps: { bucket }, objects }: ExportContext,
  first: number,
  parts: number,
  measure: (notes: PartNotes) => number,
  enough: number,
): Promise<{ readonly notes: readonly PartNotes[]; readonly next: number }> {
  const notes: PartNotes[] = [];
  let measured = 0;
  let next = first;
  while (next < Math.min(parts, first + NOTES_MAX) && measured < enough) {
    const some = Array.from({ length: Math.min(NOTES_AT_ONCE, parts - next) }, (_, index) => next + index);
    const read = new Map<number, PartNotes>();
    await eachConcurrently(NOTES_AT_ONCE, some, async (each) => {
      read.set(each, await readNotes(bucket, objects, each));
    });
    for (const each of some) {
      const found = read.get(each);
      if (found === undefined) continue;
      notes.push(found);
      measured += measure(found);
    }
    next += some.length;
  }
  return { notes, next };
}
