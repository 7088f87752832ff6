import { once } from "node:events";
import { guessMapping, type Mapping, parseRow, type RowOf } from "../formats/rows.ts";
import { parseElement } from "../formats/elements.ts";
import { type OwnChat, parseOwnMessages } from "../formats/own-export.ts";
import type { SlackNames } from "../formats/slack.ts";
import { parseSlackMessage } from "../formats/slack.ts";
import type { Found, FoundChat, Left } from "../found.ts";
import { COLUMNS_CHARS_MAX, ELEMENT_BYTES_MAX, ROW_BYTES_MAX } from "../limits.ts";
import { createElementScanner, type Element } from "./element-scanner.ts";
import { createLineScanner } from "./line-scanner.ts";
import { createRecoder, type Encoding } from "./text-decoder.ts";

/** How a text is written. */
export type Layout =
  | { readonly kind: "list" | "objects" | "lines" }
  | {
      readonly kind: "csv";
      readonly delimiter: string;
      readonly columns?: readonly string[] | undefined;
      /** Which column is what, where that was said. */
      readonly mapping?: Mapping | undefined;
    }
  | { readonly kind: "slack"; readonly channel: string; readonly names: SlackNames }
  | { readonly kind: "own"; readonly chat: OwnChat };

export interface ParserOptions {
  readonly layout: Layout;
  readonly encoding: Encoding;
  /** Where in the text, in UTF-8, what is not yet parsed begins; and how much is given again before it. */
  readonly position: number;
  readonly skip: number;
  /** How many rows stand before that. */
  readonly rows: number;
  /** The entry of the archive; empty for a file by itself. */
  readonly entry: string;
  readonly file: RowOf["file"];
  readonly fallbackTitle: string;
}

/** What has been parsed of a text since the last time. */
export interface Parsed extends Found {
  /** Where what is not yet parsed begins. */
  readonly position: number;
  readonly rows: number;
  /** The names in the first row of a table. */
  readonly columns?: readonly string[] | undefined;
}

export interface Parser {
  push(chunk: Buffer): Promise<Parsed>;
  /** The rest. @throws an Error that says what is wrong with the text as a whole */
  end(): Promise<Parsed>;
}

/** What is wrong with a text as a whole, so that nothing more can be read of it. */
export class UnreadableError extends Error {}

export async function createParser(options: ParserOptions): Promise<Parser> {
  const { encoding, skip, layout } = options;
  const recoder = createRecoder(encoding, skip);
  const inner = layout.kind === "csv" ? await csvParser(options, layout) : elementParser(options, layout);
  return {
    push: (chunk) => inner.push(recoder.push(chunk)),
    async end() {
      const first = await inner.push(recoder.end());
      const last = await inner.end();
      return {
        ...last,
        chats: [...first.chats, ...last.chats],
        left: [...first.left, ...last.left],
      };
    },
  };
}

function elementParser(options: ParserOptions, layout: Exclude<Layout, { readonly kind: "csv" }>): Parser {
  const { position, entry, file, fallbackTitle } = options;
  const bytesMax = ELEMENT_BYTES_MAX;
  const isLines = layout.kind === "lines";
  const lines = isLines ? createLineScanner({ position, bytesMax }) : undefined;
  const isList = layout.kind === "list" || layout.kind === "slack";
  const scanner = lines ?? createElementScanner({ isList, position, bytesMax });
  let rows = options.rows;
  let end = position;
  const parse = (elements: readonly Element[]): Parsed => {
    const chats: FoundChat[] = [];
    const left: Left[] = [];
    for (const element of elements) {
      rows += 1;
      end = element.end;
      const where = entry === "" ? `row ${rows}` : `${entry} #${rows}`;
      const found = readElement(element, { where, isLines });
      if (found === undefined) continue;
      if ("left" in found) {
        left.push(found.left);
        continue;
      }
      const of = { file, row: rows, fallbackTitle };
      const parsed =
        layout.kind === "slack"
          ? parseSlackMessage(found.value, layout, where)
          : layout.kind === "own"
            ? parseOwnMessages(found.value, layout.chat, where)
            : parseElement(found.value, entry, of);
      chats.push(...parsed.chats);
      left.push(...parsed.left);
    }
    return { chats, left, position: end, rows };
  };
  return {
    push: (chunk) => Promise.resolve(parse(scanner.push(chunk))),
    end() {
      const rest = parse(lines?.end() ?? []);
      if (!scanner.isCut) return Promise.resolve(rest);
      const cut: Left = {
        where: entry,
        what: "row",
        why: "the file ends in the middle of what stands there",
      };
      return Promise.resolve({ ...rest, left: [...rest.left, cut] });
    },
  };
}

type Read = { readonly value: unknown } | { readonly left: Left } | undefined;

function readElement({ bytes }: Element, { where, isLines }: { where: string; isLines: boolean }): Read {
  const what = "row" as const;
  if (bytes === undefined) {
    const mebibytes = ELEMENT_BYTES_MAX / 1024 / 1024;
    return { left: { where, what, why: `it is larger than ${mebibytes} MiB` } };
  }
  const text = bytes.toString("utf8").replace(/^\uFEFF/, "");
  if (isLines && text.trim() === "") return undefined;
  try {
    return { value: JSON.parse(text) };
  } catch {
    return { left: { where, what, why: "it is no JSON" } };
  }
}

/** Windows and Unix end their lines in their own ways, and some files in both. */
const LINE_ENDS = ["\r\n", "\n", "\r"];

/** What the table's parser hands on. */
interface Row {
  readonly record: string[];
  readonly info: { readonly bytes: number };
}

async function csvParser(
  options: ParserOptions,
  layout: Extract<Layout, { readonly kind: "csv" }>,
): Promise<Parser> {
  const { parse } = await import("csv-parse");
  const { position, file, fallbackTitle } = options;
  const csv = parse({
    delimiter: layout.delimiter,
    record_delimiter: LINE_ENDS,
    bom: true,
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
    max_record_size: ROW_BYTES_MAX,
    // Says of each row where it ends; the parser itself may stand within the next.
    info: true,
  });
  let failure: Error | undefined;
  let columns = layout.columns;
  let mapping = layout.mapping ?? (columns && guessMapping(columns));
  let rows = options.rows;
  /** After the last row that was read: only then it is said where that is. */
  let end = position;
  csv.on("error", (cause) => {
    failure = unreadable(cause, rows);
  });
  const drain = (): Parsed => {
    const chats: FoundChat[] = [];
    const left: Left[] = [];
    for (let read = csv.read() as Row | null; read !== null; read = csv.read() as Row | null) {
      const { record, info } = read;
      end = position + info.bytes;
      if (columns === undefined) {
        columns = record;
        mapping ??= guessMapping(columns);
        if (mapping === undefined || columns.join("").length > COLUMNS_CHARS_MAX) throw noTexts(columns);
        continue;
      }
      rows += 1;
      const names = columns;
      const fields = Object.fromEntries(record.map((value, index) => [names[index] ?? `#${index}`, value]));
      const found = parseRow(emptyAsAbsent(fields), mapping ?? {}, { file, row: rows, fallbackTitle });
      chats.push(...found.chats);
      left.push(...found.left);
    }
    if (failure !== undefined) throw failure;
    return { chats, left, position: end, rows, columns };
  };
  return {
    async push(chunk) {
      if (chunk.length === 0) return drain();
      if (!csv.write(chunk)) await once(csv, "readable").catch(() => undefined);
      return drain();
    },
    async end() {
      const rest: Parsed[] = [];
      csv.on("readable", () => {
        try {
          rest.push(drain());
        } catch (cause) {
          failure = cause as Error;
        }
      });
      await new Promise<void>((resolve) => {
        csv.once("end", resolve);
        csv.once("error", () => resolve());
        csv.once("close", resolve);
        csv.end();
      });
      const last = drain();
      return {
        ...last,
        chats: [...rest.flatMap(({ chats }) => chats), ...last.chats],
        left: [...rest.flatMap(({ left }) => left), ...last.left],
      };
    },
  };
}

const emptyAsAbsent = (fields: Readonly<Record<string, string>>): Record<string, string | undefined> =>
  Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, value === "" ? undefined : value]));

const noTexts = (columns: readonly string[]): UnreadableError =>
  new UnreadableError(
    `No column of the table is known to hold the texts; its first row has ${columns.length} cells. Name one of them "text".`,
  );

function unreadable(cause: unknown, rows: number): UnreadableError {
  const { code } = cause as { code?: string };
  return new UnreadableError(
    code === "CSV_MAX_RECORD_SIZE"
      ? `Row ${rows + 1} of the table is longer than ${ROW_BYTES_MAX / 1024 / 1024} MiB; perhaps a quote does not end.`
      : `The table can't be read after its row ${rows}.`,
    { cause },
  );
}
