import { parentPort, workerData } from "node:worker_threads";
import { getDocumentProxy } from "unpdf";
import type { PdfTask, PdfText } from "./pdf-text.ts";

/** A thread of its own, which whoever has begun it ends when it takes too long or too much memory. */
const { bytes, pagesMax, charsMax } = workerData as PdfTask;
// Nothing of the document is run or fetched; complaints about it are nobody's.
const document = await getDocumentProxy(bytes, {
  useSystemFonts: false,
  stopAtErrors: false,
  verbosity: 0,
});
const pages = Math.min(document.numPages, pagesMax);
let text = "";
let at = 1;
for (; at <= pages && text.length <= charsMax; at += 1) {
  const page = await document.getPage(at);
  const { items } = await page.getTextContent();
  for (const item of items) if ("str" in item) text += item.hasEOL ? `${item.str}\n` : item.str;
  text += "\n\n";
  page.cleanup();
}
const isCut = at <= document.numPages || text.length > charsMax;
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has none
parentPort?.postMessage({ text: text.slice(0, charsMax).toWellFormed().trim(), isCut } satisfies PdfText);
