import { z } from "zod";
import { extendChecksum, checksumOf } from "./archive/checksum.ts";
import { joinNext } from "./archive/join-parts.ts";
import { findPart, keepPart } from "./archive/parts.ts";
import { turnOfAccount } from "./content/account.ts";
import { turnOfPeople, turnOfUsage } from "./content/app.ts";
import { turnOfChats } from "./content/chats.ts";
import { turnOfDirectory, turnOfIndex, turnOfManifest } from "./content/ending.ts";
import { turnOfFiles } from "./content/files.ts";
import type { ExportResult } from "./contract.ts";
import { type ExportContext, type ExportDeps, type ExportJob, openExport } from "./export-context.ts";
import { findArchive, keepArchive, wholeName, ZIP_TYPE } from "./keep-archive.ts";
import type { Counts, Output, Place, Turn } from "./turn.ts";
import { type ArchiveState, createArchiveWriter, EMPTY_ARCHIVE } from "./zip/archive-writer.ts";

/** A part is kept once it has so many bytes. */
export const PART_BYTES = 8 * 1024 * 1024;
/** Or was written in so many turns: a part takes seconds, however little comes of it. */
export const PART_TURNS = 200;
/** All that is known of an export under way. */
interface Cursor {
  /** The number of the next part. */
  readonly part: number;
  readonly archive: ArchiveState;
  /** Of the checksum; none before the first byte. */
  readonly checksum?: string;
  readonly counts: Counts;
  readonly place: Place;
}

export interface ExportStep {
  /** Null when all is done. */
  readonly cursor: string | null;
  /** Messages that this step has added. */
  readonly done: number;
  readonly result?: ExportResult;
}

/**
 * Writes parts until `endMs`, of `performance.now()`. May be cut short anywhere and done again from the same
 * cursor: parts that have been kept are found, and the others are written then. What is written depends on
 * nothing but what is read.
 * @throws AppError `conflict` when whoever has begun it may not have it any more, or it was ended
 */
export async function stepExport(
  deps: ExportDeps,
  job: ExportJob,
  { cursor, endMs }: { readonly cursor: string | null; readonly endMs: number },
): Promise<ExportStep> {
  const context = await openExport(deps, job);
  const first = cursor === null ? beginning(context) : decode(cursor);
  const made = await findArchive(context);
  if (made !== undefined) return { cursor: null, done: 0, result: made };
  let at = await afterKept(context, first);
  do {
    if (at.place.stage === "keep") return finish(context, first, at);
    at = at.place.stage === "join" ? await join(context, at, at.place) : await writePart(context, at);
  } while (performance.now() < endMs);
  return { cursor: encode(at), done: at.counts.messages - first.counts.messages };
}

const beginning = ({ scope }: ExportContext): Cursor => ({
  part: 0,
  archive: EMPTY_ARCHIVE,
  counts: { chats: 0, messages: 0, files: 0, lost: 0, people: 0 },
  place: scope === "app" ? { stage: "people", page: 1 } : { stage: "account", list: 0, page: 1 },
});

/** Behind the parts that were kept by whoever died before the job could say so. */
async function afterKept({ deps, objects }: ExportContext, first: Cursor): Promise<Cursor> {
  let at = first;
  while (at.place.stage !== "join" && at.place.stage !== "keep") {
    const kept = await findPart(deps.bucket, objects, at.part);
    if (kept === undefined) return at;
    at = decode(kept);
  }
  return at;
}

const TURNS: { readonly [S in Place["stage"]]?: Turn<Extract<Place, { stage: S }>> } = {
  account: turnOfAccount,
  people: turnOfPeople,
  usage: turnOfUsage,
  chats: turnOfChats,
  files: turnOfFiles,
  index: turnOfIndex,
  manifest: turnOfManifest,
  directory: turnOfDirectory,
};

/** Writes the next part and keeps it, unless it has no bytes: then only the place has moved. */
async function writePart(context: ExportContext, from: Cursor): Promise<Cursor> {
  const output: Output = {
    part: from.part,
    writer: createArchiveWriter(from.archive, context.begunMs),
    rows: [],
    counts: { ...from.counts },
  };
  let { place } = from;
  let isPartDone = false;
  for (let turns = 0; turns < PART_TURNS && output.writer.bytes < PART_BYTES && !isPartDone; turns += 1) {
    const turn = TURNS[place.stage] as Turn<Place> | undefined;
    if (turn === undefined) throw new Error(`There is nothing to write at ${place.stage}.`);
    const taken = await turn(context, place, output);
    place = taken.place;
    isPartDone = taken.isPartDone === true;
  }
  const { bytes, directory, state } = output.writer.take();
  if (bytes.length === 0) return { ...from, place, counts: output.counts };
  const next: Cursor = {
    part: from.part + 1,
    archive: state,
    checksum: await extendChecksum(from.checksum, bytes),
    counts: output.counts,
    place,
  };
  const notes = { directory, rows: output.rows };
  const kept = await keepPart(context.deps.bucket, context.objects, from.part, {
    bytes,
    notes,
    cursor: encode(next),
  });
  return decode(kept);
}

async function join(
  context: ExportContext,
  from: Cursor,
  place: Extract<Place, { stage: "join" }>,
): Promise<Cursor> {
  const { deps, objects, app, id } = context;
  const next = await joinNext(deps.bucket, objects, place, { to: wholeName(app, id), type: ZIP_TYPE });
  return { ...from, place: next === undefined ? { stage: "keep" } : { stage: "join", ...next } };
}

/** Makes the archive a file of the person's, and removes what it was made of. */
async function finish(context: ExportContext, first: Cursor, at: Cursor): Promise<ExportStep> {
  const sha256 = await checksumOf(at.checksum ?? "");
  const size = at.archive.offset;
  const file = await keepArchive(context, { sha256, size });
  return {
    cursor: null,
    done: at.counts.messages - first.counts.messages,
    result: { file, size, sha256 },
  };
}

const encode = (cursor: Cursor): string => JSON.stringify(cursor);

/** Ours, so its shape is not looked at; what is no object is refused. */
const decode = (text: string): Cursor => z.looseObject({}).parse(JSON.parse(text)) as unknown as Cursor;
