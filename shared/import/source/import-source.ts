import { buffer } from "node:stream/consumers";
import type { Readable } from "node:stream";
import { formatOf } from "../formats/elements.ts";
import { guessMapping } from "../formats/rows.ts";
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
  readonly archive: readonly ArchiveEntry[] | undefined;
  readonly slack: SlackNames | undefined;
}

/** How a text is written. */
export interface Recognised {
  readonly layout: Layout;
  readonly encoding: Encoding;
}

const ZIP = Buffer.from("PK");

/**
 * Opens a file that is to be brought in: an archive, or a text by itself. Reads its first bytes, and of an
 * archive its directory. @throws UnreadableError
 */
export async function openImportSource(object: StoredObject): Promise<ImportSource> {
  const head = await readHead(
    await object.bucket.read(object.name, { generation: object.generation, start: 0, end: 3 }),
    4,
  );
  if (head.indexOf(ZIP) !== 0) return { texts: [wholeObject(object)], archive: undefined, slack: undefined };
  const archive = await openArchive(object);
  const readable = archive.filter(({ why }) => why === undefined);
  const slack = await readSlackNames(readable);
  const names = readable.filter(({ name }) => (slack === undefined ? isText(name) : isSlackDay(name)));
  const texts = names.toSorted((a, b) => (a.name < b.name ? -1 : 1)).map(textOfEntry);
  if (texts.length === 0) {
    throw new UnreadableError("Nothing in the archive is an export that is known here.");
  }
  return { texts, archive, slack };
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

/** Products call it conversations.json, and number it where it has grown; chats of our own lie in folders. */
const CONVERSATIONS =
  /^(?:[^/]+\/)?(?:conversations?(?:[-_]\d+)?|all-chats.*|chat-export.*|messages)\.(?:json|jsonl|csv)$/i;
const OWN = /^chats\/\d+\/messages-\d+\.json$/;
const isText = (name: string): boolean => CONVERSATIONS.test(name) || OWN.test(name);
const isSlackDay = (name: string): boolean => /^[^/]+\/\d{4}-\d{2}-\d{2}\.json$/.test(name);

const SLACK_CHANNELS = ["channels.json", "groups.json", "mpims.json", "dms.json"];

/** Undefined for what is no export of Slack's. */
async function readSlackNames(entries: readonly ArchiveEntry[]): Promise<SlackNames | undefined> {
  if (!entries.some(({ name }) => isSlackDay(name))) return undefined;
  const read = async (name: string): Promise<unknown> => {
    const entry = entries.find((each) => each.name === name);
    if (entry === undefined) return [];
    if (entry.size > NAMES_BYTES_MAX) throw new UnreadableError(`${name} in the archive is too large.`);
    try {
      return JSON.parse((await buffer(await entry.open())).toString("utf8"));
    } catch (cause) {
      throw new UnreadableError(`${name} in the archive can't be read.`, { cause });
    }
  };
  return slackNames(await read("users.json"), await Promise.all(SLACK_CHANNELS.map(read)));
}

/** Reads the beginning of a text and says how it is written. @throws UnreadableError */
export async function recognise(
  text: ImportText,
  { slack }: Pick<ImportSource, "slack">,
  format: string,
): Promise<Recognised> {
  if (slack !== undefined) {
    const [channel = ""] = text.entry.split("/");
    return { layout: { kind: "slack", channel, names: slack }, encoding: "utf-8" };
  }
  const { bytes } = await text.open(0, "utf-8");
  const head = await readHead(bytes, SAMPLE_BYTES);
  const encoding = detectEncoding(head);
  const sample = new TextDecoder(encoding).decode(head);
  const isWhole = head.length >= text.size;
  const layout = layoutOf(sample, { name: text.entry, isWhole });
  demandFormat(formatIn(Buffer.from(sample), layout), format);
  return { layout, encoding };
}

/**
 * What was named is held against what is there: whoever names a format is not to find something else.
 * @throws UnreadableError
 */
function demandFormat(found: string | undefined, format: string): void {
  const isNamed = format === "auto" || (format === "jsonl" && found !== "csv");
  if (isNamed || found === undefined || found === format) return;
  throw new UnreadableError(`It is no export of the format ${format}, but of ${found}.`);
}

function layoutOf(sample: string, { name, isWhole }: { name: string; isWhole: boolean }): Layout {
  const begun = sample.trimStart();
  if (begun === "") throw new UnreadableError(`${name === "" ? "The file" : name} is empty.`);
  if (begun.startsWith("[")) return { kind: "list" };
  if (begun.startsWith("{")) return { kind: isLines(begun, isWhole) ? "lines" : "objects" };
  const delimiter = delimiterOf(begun);
  if (delimiter === undefined) throw new UnreadableError("The file is no export that is known here.");
  return { kind: "csv", delimiter };
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

/** The sign that parts the first row into names of which one is known to hold the texts. */
function delimiterOf(text: string): string | undefined {
  const [first = ""] = text.split(/\r\n|\n|\r/, 1);
  const cells = (delimiter: string): string[] =>
    first.split(delimiter).map((cell) => cell.trim().replaceAll(/^"|"$/g, ""));
  const known = DELIMITERS.filter((delimiter) => guessMapping(cells(delimiter)) !== undefined);
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
