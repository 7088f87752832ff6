import { buffer } from "node:stream/consumers";
import type { Readable } from "node:stream";
import { formatOf } from "../formats/elements.ts";
import { guessMapping, type Mapping } from "../formats/rows.ts";
import { type OwnExport, ownChatIn, ownExportIn } from "../formats/own-export.ts";
import { type SlackNames, slackNames } from "../formats/slack.ts";
import { NAMES_BYTES_MAX, SAMPLE_BYTES } from "../limits.ts";
import { createElementScanner } from "../parse/element-scanner.ts";
import { type Layout, UnreadableError } from "../parse/parser.ts";
import { detectEncoding, type Encoding } from "../parse/text-decoder.ts";
import type { ArchiveEntry, StoredObject } from "./archive.ts";
import { openArchive } from "./archive.ts";

/** A text of an export. */
export interface ImportText {
  /** The entry of the archive; empty for a file by itself. */
  readonly entry: string;
  /** Of its bytes, unpacked. */
  readonly size: number;
  /** Opens it where the parser is to go on: `skip` bytes come again before that. */
  open(position: number, encoding: Encoding): Promise<{ readonly bytes: Readable; readonly skip: number }>;
}

/** Everything that is read of a file, and what is not. */
export interface ImportSource {
  readonly texts: readonly ImportText[];
  /** By their names. */
  readonly archive: Archive | undefined;
  readonly slack: SlackNames | undefined;
  readonly own: OwnExport | undefined;
}

type Archive = ReadonlyMap<string, ArchiveEntry>;

/** How a text is written. */
export interface Recognised {
  readonly layout: Layout;
  readonly encoding: Encoding;
}

const ZIP = Buffer.from("PK");

/**
 * Opens a file that is to be brought in: an archive, or a text by itself. Reads its first bytes, and of an
 * archive its directory. @throws UnreadableError
 * @param format what it was said to be; whoever names a format is not to find something else
 */
export async function openImportSource(object: StoredObject, format: string): Promise<ImportSource> {
  const head = await readHead(
    await object.bucket.read(object.name, { generation: object.generation, start: 0, end: 3 }),
    4,
  );
  if (head.indexOf(ZIP) !== 0) {
    return { texts: [wholeObject(object)], archive: undefined, slack: undefined, own: undefined };
  }
  const readable = (await openArchive(object)).filter(({ why }) => why === undefined);
  const archive = new Map(readable.map((entry) => [entry.name, entry]));
  const own = ownExportIn(await readJson(archive, MANIFEST));
  const slack = own === undefined ? await readSlackNames(archive) : undefined;
  if (own !== undefined) demandFormat("scrollback", format);
  if (slack !== undefined) demandFormat("slack", format);
  const holdsTexts = own !== undefined ? isOwnPart : slack !== undefined ? isSlackDay : isText;
  const entries = readable.filter(({ name }) => holdsTexts(name));
  const texts = entries.toSorted((a, b) => BY_NUMBERS.compare(a.name, b.name)).map(textOfEntry);
  if (texts.length === 0) {
    throw new UnreadableError("Nothing in the archive is an export that is known here.");
  }
  return { texts, archive, slack, own };
}

const wholeObject = ({ bucket, name, generation, size }: StoredObject): ImportText => ({
  entry: "",
  size,
  async open(position, encoding) {
    // Only in UTF-8 a place in the text is a place in the file.
    const start = encoding === "utf-8" ? position : 0;
    const bytes = await bucket.read(name, { generation, start, end: size - 1 });
    return { bytes, skip: position - start };
  },
});

const textOfEntry = (entry: ArchiveEntry): ImportText => ({
  entry: entry.name,
  size: entry.size,
  open: async (position) => ({ bytes: await entry.open(), skip: position }),
});

/** Parts of a conversation come in the order of their numbers. */
const BY_NUMBERS = new Intl.Collator("en", { numeric: true });
/** Products call it conversations.json, and number it where it has grown. */
const CONVERSATIONS =
  /^(?:[^/]+\/)?(?:conversations?(?:[-_]\d+)?|all-chats.*|chat-export.*|messages)\.(?:json|jsonl|csv)$/i;
const isText = (name: string): boolean => CONVERSATIONS.test(name);
/** Of our own exports (shared/export/contract.ts). */
const MANIFEST = "export.json";
const isOwnPart = (name: string): boolean => /^chats\/\d+\/messages-\d+\.json$/.test(name);
const isSlackDay = (name: string): boolean => /^[^/]+\/\d{4}-\d{2}-\d{2}\.json$/.test(name);

const SLACK_CHANNELS = ["channels.json", "groups.json", "mpims.json", "dms.json"];

/** Undefined for what is no export of Slack's. */
async function readSlackNames(archive: Archive): Promise<SlackNames | undefined> {
  if (![...archive.keys()].some(isSlackDay)) return undefined;
  const read = (name: string): Promise<unknown> => readJson(archive, name);
  return slackNames(await read("users.json"), await Promise.all(SLACK_CHANNELS.map(read)));
}

/** What a small file of an archive says; undefined where there is none. @throws UnreadableError */
async function readJson(archive: Archive, name: string): Promise<unknown> {
  const entry = archive.get(name);
  if (entry === undefined) return undefined;
  if (entry.size > NAMES_BYTES_MAX) throw new UnreadableError(`${name} in the archive is too large.`);
  try {
    return JSON.parse((await buffer(await entry.open())).toString("utf8"));
  } catch (cause) {
    throw new UnreadableError(`${name} in the archive can't be read.`, { cause });
  }
}

/** Reads the beginning of a text and says how it is written. @throws UnreadableError */
export async function recognise(
  text: ImportText,
  { slack, own, archive = new Map() }: Pick<ImportSource, "slack" | "own" | "archive">,
  { format, mapping }: { readonly format: string; readonly mapping?: Mapping | undefined },
): Promise<Recognised> {
  if (own !== undefined) {
    const [, chat = ""] = text.entry.split("/");
    const read = ownChatIn(await readJson(archive, `chats/${chat}/chat.json`), chat, own);
    return { layout: { kind: "own", chat: read }, encoding: "utf-8" };
  }
  if (slack !== undefined) {
    const [channel = ""] = text.entry.split("/");
    return { layout: { kind: "slack", channel, names: slack }, encoding: "utf-8" };
  }
  const { bytes } = await text.open(0, "utf-8");
  const head = await readHead(bytes, SAMPLE_BYTES);
  const encoding = detectEncoding(head);
  const sample = new TextDecoder(encoding).decode(head);
  const isWhole = head.length >= text.size;
  const layout = layoutOf(sample, { name: text.entry, isWhole, mapping });
  demandFormat(formatIn(Buffer.from(sample), layout), format);
  return { layout, encoding };
}

/** What was named is held against what is there. @throws UnreadableError */
function demandFormat(found: string | undefined, format: string): void {
  const isNamed = format === "auto" || (format === "jsonl" && found !== "csv");
  if (isNamed || found === undefined || found === format) return;
  throw new UnreadableError(`It is no export of the format ${format}, but of ${found}.`);
}

function layoutOf(
  sample: string,
  { name, isWhole, mapping }: { name: string; isWhole: boolean; mapping: Mapping | undefined },
): Layout {
  const begun = sample.trimStart();
  if (begun === "") throw new UnreadableError(`${name === "" ? "The file" : name} is empty.`);
  if (begun.startsWith("[")) return { kind: "list" };
  if (begun.startsWith("{")) return { kind: isLines(begun, isWhole) ? "lines" : "objects" };
  const delimiter = delimiterOf(begun, mapping);
  if (delimiter === undefined) {
    throw new UnreadableError(
      mapping === undefined
        ? "The file is no export that is known here."
        : "The first row of the table does not have the columns that were named.",
    );
  }
  return { kind: "csv", delimiter, mapping };
}

/** Lines of JSON begin with one that is whole by itself, unless the file is that line. */
function isLines(text: string, isWhole: boolean): boolean {
  const [first = "", second] = text.split("\n", 2);
  if (second === undefined) return !isWhole;
  try {
    JSON.parse(first);
    return true;
  } catch {
    return false;
  }
}

const DELIMITERS = [",", ";", "\t", "|"];

/** The sign that parts the first row into the names that were given, or into such as are known. */
function delimiterOf(text: string, mapping: Mapping | undefined): string | undefined {
  const [first = ""] = text.split(/\r\n|\n|\r/, 1);
  const cells = (delimiter: string): string[] =>
    first.split(delimiter).map((cell) => cell.trim().replaceAll(/^"|"$/g, ""));
  const isRead = (names: readonly string[]): boolean =>
    mapping === undefined
      ? guessMapping(names) !== undefined
      : Object.values(mapping).every((name) => name === undefined || names.includes(name));
  const known = DELIMITERS.filter((delimiter) => isRead(cells(delimiter)));
  return known.toSorted((a, b) => cells(b).length - cells(a).length)[0];
}

/** The first bytes of a stream, which is then let go. */
async function readHead(bytes: Readable, most: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of bytes as AsyncIterable<Buffer>) {
    pieces.push(piece);
    size += piece.length;
    if (size >= most) break;
  }
  bytes.destroy();
  return Buffer.concat(pieces).subarray(0, most);
}

/** What the first element of a text is of; undefined where none of it is known. */
export function formatIn(sample: Buffer, layout: Layout): string | undefined {
  if (layout.kind === "csv" || layout.kind === "slack") return layout.kind;
  if (layout.kind === "own") return "scrollback";
  const scanner = createElementScanner({
    isList: layout.kind === "list",
    position: 0,
    bytesMax: sample.length,
  });
  const [first] = scanner.push(sample);
  if (first?.bytes === undefined) return undefined;
  try {
    return formatOf(JSON.parse(first.bytes.toString("utf8")));
  } catch {
    return undefined;
  }
}
