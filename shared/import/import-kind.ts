import type { ChatDeps } from "../chat/log/chat-log.ts";
import { keptName } from "../files/object-names.ts";
import { fileRef, storedFile } from "../files/store.ts";
import type { Stepped } from "../jobs/run-job.ts";
import { AppError } from "../platform/errors.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";
import { NewImport } from "../transfers/contract.ts";
import type { Transfer, TransferKind } from "../transfers/run-transfer.ts";
import { demandReady, IMPORT } from "./begin-import.ts";
import { type Cursor, parseCursor } from "./cursor.ts";
import { keepReport } from "./keep-report.ts";
import type { Left } from "./found.ts";
import { REPORT_ROWS_MAX } from "./limits.ts";
import { openCounter } from "./count-found.ts";
import { UnreadableError } from "./parse/parser.ts";
import { openPeople } from "./people.ts";
import { type ReadOn, readText } from "./read-text.ts";
import { keepReportPart } from "./report.ts";
import { type ImportSource, openImportSource } from "./source/import-source.ts";
import { openFoundWriter } from "./write-found.ts";

/** Brings in what an export of another product holds. */
export const importKind = (deps: ChatDeps): TransferKind => ({
  kind: IMPORT,
  step: (transfer) => stepImport(deps, transfer),
});

/**
 * Goes on where the step before has come, for as long as a step may take. What it has brought is found again
 * by whoever does the same step anew, so nothing comes twice. Costs what `openFoundWriter` says, a read of
 * the file for each step, and 1 call to the bucket for a part of the report.
 */
async function stepImport(deps: ChatDeps, transfer: Transfer): Promise<Stepped> {
  const { app, by, id, step, attempts } = transfer;
  const { file, format, columns: mapping, dryRun = false } = NewImport.parse(transfer.input);
  const before = parseCursor(transfer.cursor);
  // By itself, so that whoever dies at it has nothing else to do anew.
  if (before.isRead) return { cursor: null, done: 0, result: await resultOf(deps, transfer, before) };
  const stored = demandReady(storedFile(await within(READ_MS_MAX, fileRef(app, file).get())), by);
  const { generation = "", name } = stored;
  const object = keptName(app, file, generation);
  const found = await deps.bucket.stat(object);
  if (found === undefined) throw new AppError("conflict", "The bytes of the file are gone.");
  const source = await readable(() =>
    openImportSource({ bucket: deps.bucket, name: object, ...found }, format),
  );
  const broughtBy = `${id}.${step}`;
  const people = await openPeople(deps, app, by);
  const writer = dryRun ? openCounter() : openFoundWriter(deps, { app, by, people, broughtBy });
  const room = REPORT_ROWS_MAX - before.named;
  const named: Left[] = [];
  const counts = { chats: 0, messages: 0, existing: 0, left: 0 };
  const leave = (more: readonly Left[]): void => {
    counts.left += more.length;
    named.push(...more.slice(0, Math.max(0, room - named.length)));
  };
  const readOn: ReadOn = {
    format,
    mapping,
    // The same bytes are the same file, however often they are uploaded.
    file: found.checksum,
    fallbackTitle: name,
    endMs: transfer.endMs,
    async take(chats, more) {
      leave(more);
      if (chats.length === 0) return;
      const written = await writer.write(chats);
      counts.chats += written.chats;
      counts.messages += written.messages;
      counts.existing += written.existing;
      leave(written.left);
    },
  };
  const place = await readTexts(source, before, readOn);
  const part = `${step}-${attempts}`;
  if (named.length > 0) await keepReportPart(deps.bucket, app, id, { part, left: named });
  const isRead = place.text >= source.texts.length;
  const after: Cursor = {
    ...place,
    isRead,
    chats: before.chats + counts.chats,
    messages: before.messages + counts.messages,
    existing: before.existing + counts.existing,
    files: before.files,
    skipped: before.skipped + counts.left,
    parts: named.length > 0 ? [...before.parts, part] : before.parts,
    named: before.named + named.length,
  };
  return {
    cursor: JSON.stringify(after),
    done: counts.messages + counts.existing,
    failed: counts.left,
    fraction: isRead ? 1 : fractionOf(source, place),
  };
}

type Place = Pick<Cursor, "text" | "position" | "rows"> & { readonly columns?: string[] | undefined };

/** Reads texts from a place on, until all are read or the time is over. */
async function readTexts(source: ImportSource, before: Cursor, readOn: ReadOn): Promise<Place> {
  let place: Place = before;
  const isAlone = source.archive === undefined;
  for (let text = source.texts[place.text]; text !== undefined; text = source.texts[place.text]) {
    let reached: Omit<Place, "text"> | undefined;
    try {
      reached = await readText(source, text, place, readOn);
    } catch (cause) {
      if (!(cause instanceof UnreadableError)) throw cause;
      if (isAlone) throw new AppError("conflict", cause.message, {}, { cause });
      await readOn.take([], [{ where: text.entry, what: "row", why: cause.message }]);
    }
    if (reached !== undefined) return { text: place.text, ...reached };
    place = { text: place.text + 1, position: 0, rows: 0 };
    if (performance.now() > readOn.endMs) return place;
  }
  return place;
}

function fractionOf({ texts }: ImportSource, { text, position }: Place): number {
  const all = texts.reduce((sum, { size }) => sum + size, 0);
  const done = texts.slice(0, text).reduce((sum, { size }) => sum + size, 0) + position;
  return all === 0 ? 0 : Math.min(1, Math.round((done / all) * 1000) / 1000);
}

/** What is unreadable as a whole ends the import, and says why. */
async function readable<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof UnreadableError) throw new AppError("conflict", cause.message, {}, { cause });
    throw cause;
  }
}

async function resultOf(deps: ChatDeps, { app, by, id }: Transfer, cursor: Cursor) {
  const { chats, messages, files, existing, skipped, parts, named } = cursor;
  const counts = { chats, messages, files, existing, skipped };
  if (skipped === 0) return counts;
  const report = await keepReport(deps, app, by, { job: id, parts, unnamed: skipped - named });
  return { ...counts, report };
}
