import type { Mapping } from "./formats/rows.ts";
import type { FoundChat, Left } from "./found.ts";
import { SMALL_BYTES_MAX, TAKEN_CHARS, TAKEN_MESSAGES } from "./limits.ts";
import { openParser } from "./parse/open-parser.ts";
import {
  createParser,
  type Parsed,
  type Parser,
  type ParserOptions,
  UnreadableError,
} from "./parse/parser.ts";
import type { Cursor } from "./cursor.ts";
import { type ImportSource, type ImportText, recognise } from "./source/import-source.ts";

export interface ReadOn {
  readonly format: string;
  /** Which column of a table is what; guessed when undefined. */
  readonly mapping?: Mapping | undefined;
  /** Names the file, for rows that have no id of their own. */
  readonly file: string;
  readonly fallbackTitle: string;
  /** Of `performance.now()`: then the rest is left to the next step. */
  readonly endMs: number;
  /** Takes what was found, as much at a time as fits into some commits. */
  take(chats: readonly FoundChat[], left: readonly Left[]): Promise<void>;
}

type Place = Pick<Cursor, "position" | "rows"> & { readonly columns?: string[] | undefined };

/**
 * Reads a text from a place on. While what was found is written, the next is parsed.
 * @returns where to go on; undefined when all of it has been read
 * @throws UnreadableError
 */
export async function readText(
  source: ImportSource,
  text: ImportText,
  from: Place,
  readOn: ReadOn,
): Promise<Place | undefined> {
  try {
    return await readUndamaged(source, text, from, readOn);
  } catch (cause) {
    throw isDamage(cause) ? new UnreadableError("What is packed there is damaged.", { cause }) : cause;
  }
}

async function readUndamaged(
  source: ImportSource,
  text: ImportText,
  from: Place,
  { format, mapping, file, fallbackTitle, endMs, take }: ReadOn,
): Promise<Place | undefined> {
  const { layout, encoding } = await recognise(text, source, { format, mapping });
  const { position, rows } = from;
  const { bytes, skip } = await text.open(position, encoding);
  const columns = from.columns;
  const options: ParserOptions = {
    layout: layout.kind === "csv" ? { ...layout, columns } : layout,
    encoding,
    position,
    skip,
    rows,
    entry: text.entry,
    file,
    fallbackTitle,
  };
  // A thread of its own takes longer to begin than a small text takes to be parsed.
  await using parser = text.size > SMALL_BYTES_MAX ? openParser(options) : await parserHere(options);
  let chats: FoundChat[] = [];
  let left: Left[] = [];
  let reached: Place = from;
  let writing: Promise<void> = Promise.resolve();
  const flush = async (): Promise<void> => {
    await writing;
    const taken = [chats, left] as const;
    chats = [];
    left = [];
    writing = take(...taken);
    // It is waited for later; until then nobody else may end the process with it.
    writing.catch(() => undefined);
  };
  const add = (parsed: Parsed): void => {
    chats.push(...parsed.chats);
    left.push(...parsed.left);
    reached = {
      position: parsed.position,
      rows: parsed.rows,
      ...(parsed.columns && { columns: [...parsed.columns] }),
    };
  };
  try {
    for await (const chunk of bytes as AsyncIterable<Buffer>) {
      add(await parser.push(chunk));
      if (isMuch(chats) || left.length >= TAKEN_MESSAGES) await flush();
      if (performance.now() > endMs && reached.position > position) {
        await flush();
        await writing;
        return reached;
      }
    }
  } catch (cause) {
    await writing.catch(() => undefined);
    throw cause;
  } finally {
    bytes.destroy();
  }
  add(await parser.end());
  await flush();
  await writing;
  return undefined;
}

async function parserHere(options: ParserOptions): Promise<Parser & AsyncDisposable> {
  return { ...(await createParser(options)), [Symbol.asyncDispose]: () => Promise.resolve() };
}

function isMuch(chats: readonly FoundChat[]): boolean {
  let messages = 0;
  let chars = 0;
  for (const chat of chats) {
    messages += chat.messages.length;
    for (const { text } of chat.messages) chars += text.length;
  }
  return messages >= TAKEN_MESSAGES || chars >= TAKEN_CHARS;
}

/** What inflating says, and what yauzl says of sizes that are not those of the directory. */
const isDamage = (cause: unknown): boolean => {
  const { code = "", message = "" } = cause as { code?: string; message?: string };
  return (
    code.startsWith("Z_") ||
    /(?:many|few|enough) bytes in the stream|invalid .*header|unexpected EOF/i.test(message)
  );
};
