import { expect, test } from "vitest";
import { pdfOf, pdfWith } from "../../testing/pdf.ts";
import { PDF_CHARS_MAX, PDF_PAGES_MAX, readPdfText } from "./pdf-text.ts";

const read = (bytes: Uint8Array) => readPdfText(Uint8Array.from(bytes));

test("the text of all pages is read, in their order", async () => {
  expect(await read(pdfOf(["The first page", "The second page"]))).toEqual({
    text: "The first page\n\nThe second page",
    isCut: false,
  });
});

test("a document of many pages, or of many words, is read up to a limit", async () => {
  const many = await read(pdfOf(Array.from({ length: PDF_PAGES_MAX + 1 }, (_, at) => `Page ${at + 1}.`)));
  expect(many?.isCut).toBe(true);
  expect(many?.text.endsWith(`Page ${PDF_PAGES_MAX}.`)).toBe(true);
  // What lies beside the page is not read.
  const line = `BT /F1 1 Tf 5 5 Td (${"word ".repeat(40)}) Tj ET\n`;
  const page = Buffer.from(line.repeat(PDF_CHARS_MAX / 4 / 200));
  const long = await read(pdfWith([page, page, page, page, page]));
  expect(long?.isCut).toBe(true);
  expect(long?.text.length).toBeLessThanOrEqual(PDF_CHARS_MAX);
});

test("a document without text has none", async () => {
  expect(await read(pdfWith([Buffer.from("0 0 10 10 re f")]))).toEqual({ text: "", isCut: false });
});

test.each([
  ["what only begins like a document", Buffer.from("%PDF-1.7\n%%EOF")],
  ["half a document", pdfOf(["The first page"]).subarray(0, 100)],
  ["nothing", new Uint8Array()],
])("%s ends nothing, and has no text", async (_, bytes) => {
  expect((await read(bytes))?.text ?? "").toBe("");
});

test("a page that unpacks to more than the thread may hold is given up", { timeout: 60_000 }, async () => {
  const bomb = pdfWith([Buffer.alloc(600 * 1024 * 1024, " ")]);
  expect(bomb.length).toBeLessThan(2 * 1024 * 1024);
  expect(await read(bomb)).toBeUndefined();
});
