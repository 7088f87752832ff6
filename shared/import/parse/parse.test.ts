import { expect, test } from "vitest";
import { ELEMENT_BYTES_MAX, ROW_BYTES_MAX } from "../limits.ts";
import { createElementScanner } from "./element-scanner.ts";
import { createParser, type Parsed, type ParserOptions, UnreadableError } from "./parser.ts";
import { createRecoder, detectEncoding } from "./text-decoder.ts";

/** Texts are given in pieces that are cut anywhere. */
function* pieces(bytes: Buffer, size: number): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

const options = (layout: ParserOptions["layout"], more: Partial<ParserOptions> = {}): ParserOptions => ({
  layout,
  encoding: "utf-8",
  position: 0,
  skip: 0,
  rows: 0,
  entry: "",
  file: "f",
  fallbackTitle: "file",
  ...more,
});

async function parseAll(bytes: Buffer, size: number, of: ParserOptions): Promise<Parsed[]> {
  const parser = await createParser(of);
  const parsed: Parsed[] = [];
  for (const piece of pieces(bytes, size)) parsed.push(await parser.push(piece));
  return [...parsed, await parser.end()];
}
const textsOf = (parsed: readonly Parsed[]) =>
  parsed.flatMap(({ chats }) => chats.flatMap(({ messages }) => messages.map(({ text }) => text)));
const whysOf = (parsed: readonly Parsed[]) => parsed.flatMap(({ left }) => left.map(({ why }) => why));

const VALUES = [{ a: '"]\\' }, [1, [2]], { b: "\\\\", c: { d: "é}{" } }, {}, { e: "\u2028\n" }];

test.each([1, 2, 3, 5, 7, 1000])("elements are cut out of a list in pieces of %i bytes", (size) => {
  const bytes = Buffer.from(` [${VALUES.map((value) => JSON.stringify(value)).join(" ,\n")}] `);
  const scanner = createElementScanner({ isList: true, position: 0, bytesMax: 1000 });
  const found = [...pieces(bytes, size)].flatMap((piece) => scanner.push(piece));
  expect(found.map((each) => JSON.parse(each.bytes?.toString() ?? ""))).toEqual(VALUES);
  expect(scanner.isCut).toBe(false);
  // From the end of any of them on, the others are found.
  const [, second] = found;
  const rest = createElementScanner({ isList: true, position: second?.end ?? 0, bytesMax: 1000 });
  expect(rest.push(bytes.subarray(second?.end))).toEqual(found.slice(2));
});

test("an element that is too large is left out, and what follows is found", async () => {
  const large = Buffer.from(`{"text":"${"x".repeat(ELEMENT_BYTES_MAX)}"}`);
  const bytes = Buffer.concat([Buffer.from("["), large, Buffer.from(',{"text":"small"}]')]);
  const parsed = await parseAll(bytes, 65_536, options({ kind: "list" }));
  expect(textsOf(parsed)).toEqual(["small"]);
  expect(whysOf(parsed)).toEqual(["it is larger than 16 MiB"]);
});

test("a list that breaks off keeps what came before", async () => {
  const parsed = await parseAll(Buffer.from('[{"text":"one"},{"text":"tw'), 4, options({ kind: "list" }));
  expect(textsOf(parsed)).toEqual(["one"]);
  expect(whysOf(parsed)).toEqual(["the file ends in the middle of what stands there"]);
});

const TABLE = 'text;time\r\n"a;""b""\nc";1\r\n\r\nd;2\r\ne\r\n"f";3';
const SIZES = [...Array.from({ length: TABLE.length }, (_, index) => index + 1), 1000];
test.each(SIZES)("a table is read in pieces of %i bytes, and from any row on", async (size) => {
  const of = options({ kind: "csv", delimiter: ";" });
  const parsed = await parseAll(Buffer.from(TABLE), size, of);
  expect(textsOf(parsed)).toEqual(['a;"b"\nc', "d", "e", "f"]);
  for (const { position, rows, columns } of parsed.filter((each) => each.rows > 0)) {
    const layout = { kind: "csv", delimiter: ";", columns } as const;
    const rest = await parseAll(
      Buffer.from(TABLE).subarray(position),
      size,
      options(layout, { position, rows }),
    );
    expect(textsOf(rest)).toEqual(['a;"b"\nc', "d", "e", "f"].slice(rows));
  }
});

test("a quote that does not end is found out before it fills the memory", async () => {
  const bytes = Buffer.from(`text\nok\n"${"x".repeat(3 * ROW_BYTES_MAX)}`);
  const parsed = parseAll(bytes, 65_536, options({ kind: "csv", delimiter: "," }));
  await expect(parsed).rejects.toThrow("Row 2 of the table is longer than 1 MiB");
  await expect(parsed).rejects.toBeInstanceOf(UnreadableError);
});

test("a table without a column for texts says so", async () => {
  await expect(
    parseAll(Buffer.from("a,b\n1,2\n"), 100, options({ kind: "csv", delimiter: "," })),
  ).rejects.toThrow('Name one of them "text"');
});

test("lines of JSON are read one by one; a broken one is said, an empty one is none", async () => {
  const bytes = Buffer.from('\ufeff{"text":"1"}\n\n{"text"\n{"text":"2"}');
  const parsed = await parseAll(bytes, 5, options({ kind: "lines" }));
  expect(textsOf(parsed)).toEqual(["1", "2"]);
  expect(whysOf(parsed)).toEqual(["it is no JSON"]);
});

test("encodings are told by their marks and by what they can't be", () => {
  const utf16 = (text: string) => Buffer.from(text, "utf16le");
  expect(detectEncoding(Buffer.from("\ufeffé"))).toBe("utf-8");
  expect(detectEncoding(Buffer.concat([Buffer.from([0xff, 0xfe]), utf16("a")]))).toBe("utf-16le");
  expect(detectEncoding(utf16("text,time\n"))).toBe("utf-16le");
  expect(detectEncoding(utf16("text,time\n").swap16())).toBe("utf-16be");
  expect(detectEncoding(Buffer.from([0x63, 0x61, 0x66, 0xe9, 0x21]))).toBe("windows-1252");
  const recoder = createRecoder("windows-1252", 1);
  expect(Buffer.concat([recoder.push(Buffer.from([0x63, 0x80])), recoder.end()]).toString()).toBe("€");
});
