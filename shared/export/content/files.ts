import { readHeads } from "../../chat/store.ts";
import { fileView } from "../../files/file-view.ts";
import { fileAfter, isThere, readFile, type StoredFile } from "../../files/store.ts";
import { type ExportedFile, exportPaths } from "../contract.ts";
import { entryName } from "../entry-name.ts";
import { type ExportContext, mayHold } from "../export-context.ts";
import { jsonBytes, type Place, type Turn } from "../turn.ts";
import { writeFile } from "./write-file.ts";

type FilesPlace = Extract<Place, { stage: "files" }>;

/** Chats that are looked at for one that holds a file; beyond them its bytes are written once more. */
const CHATS_LOOK_MAX = 20;

/**
 * Writes what the person has uploaded, one file a turn: what it is, and its bytes where no chat of the
 * archive has them. 1 query, and a read for each chat that holds it.
 */
export const turnOfFiles: Turn<FilesPlace> = async (context, { after, file: begun }, output) => {
  const { app, person } = context;
  const found =
    begun === undefined || after === undefined
      ? await fileAfter(app, person, after)
      : { id: after, stored: (await readFile(app, after)).stored };
  if (found === undefined) return { place: { stage: "index", part: 0, page: 1, rows: 0 } };
  const { id, stored } = found;
  const done: Place = { stage: "files", after: id };
  const path = exportPaths.file(id, entryName("1-", stored?.name ?? ""));
  if (begun === undefined) {
    // What was made for the person is made of all this: an export would hold the ones before.
    if (!isThere(stored) || stored.keptUntil !== undefined) return { place: done };
    const isWritten = stored.status === "ready" && !(await isInChats(context, stored));
    const about: ExportedFile = { file: fileView(id, stored), ...(isWritten ? { path } : {}) };
    await output.writer.add(exportPaths.file(id, "file.json"), jsonBytes(about));
    if (!isWritten) return { place: done };
  }
  const file = await writeFile(context, output, { id, stored, path, place: begun });
  return { place: file === undefined ? done : { stage: "files", after: id, file } };
};

/** Whether a chat that the person is in holds the file, as far as is looked. */
async function isInChats(context: ExportContext, { chats }: StoredFile): Promise<boolean> {
  const holders = Object.entries(chats).filter(([, numbers]) => numbers.length > 0);
  const numbers = holders.slice(0, CHATS_LOOK_MAX).map(([chat]) => Number(chat));
  return (await readHeads(context.app, numbers)).some((head) => mayHold(context, head));
}
