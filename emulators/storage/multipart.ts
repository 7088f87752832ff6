import { invalid } from "./failure.ts";

export interface Part {
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Read it before asking for the next part; what is left unread is skipped. */
  readonly content: AsyncIterable<Buffer>;
}

/** The size of the headers of one part; larger headers are refused. */
const PART_HEADERS_BYTES_MAX = 16 * 1024;

/** The boundary that a content type names. */
export function boundaryOf(contentType: string | undefined): string {
  const [, quoted, bare] = /boundary=(?:"([^"]+)"|([^;\s]+))/i.exec(contentType ?? "") ?? [];
  const boundary = quoted ?? bare;
  if (boundary === undefined) throw invalid("Missing multipart boundary in Content-Type.");
  return boundary;
}

/** Splits a multipart body into its parts as it arrives (RFC 2046, 5.1); no part is held as a whole. */
export async function* partsOf(body: AsyncIterable<Buffer>, boundary: string): AsyncGenerator<Part> {
  const source = body[Symbol.asyncIterator]();
  const mark = Buffer.from(`\r\n--${boundary}`);
  // The first mark may stand at the very start, without a line break before it.
  let held: Buffer = Buffer.from("\r\n");
  /** Whether the mark that ends the current part has been taken away. */
  const part = { ended: false };

  const more = async (): Promise<boolean> => {
    const { done, value } = await source.next();
    if (done) return false;
    held = held.length === 0 ? value : Buffer.concat([held, value]);
    return true;
  };
  const needed = async (bytes: number): Promise<void> => {
    while (held.length < bytes) if (!(await more())) throw invalid("Malformed multipart body.");
  };

  /** Yields what comes before the next mark, and takes the mark away. */
  const content = async function* (): AsyncGenerator<Buffer> {
    for (;;) {
      const at = held.indexOf(mark);
      if (at >= 0) {
        const last = held.subarray(0, at);
        held = held.subarray(at + mark.length);
        part.ended = true;
        if (last.length > 0) yield last;
        return;
      }
      // A mark may be cut at the end of the received bytes, so as many bytes as it has stay in the buffer.
      const safe = held.length - mark.length;
      if (safe > 0) {
        const piece = held.subarray(0, safe);
        held = held.subarray(safe);
        yield piece;
      }
      if (!(await more())) throw invalid("Malformed multipart body.");
    }
  };
  const skip = async (pieces: AsyncGenerator<Buffer>): Promise<void> => {
    while (!part.ended && !(await pieces.next()).done);
  };

  await skip(content());
  for (;;) {
    await needed(2);
    if (held.subarray(0, 2).toString() === "--") break;
    let end = held.indexOf("\r\n\r\n");
    while (end < 0) {
      if (held.length > PART_HEADERS_BYTES_MAX || !(await more())) throw invalid("Malformed multipart body.");
      end = held.indexOf("\r\n\r\n");
    }
    const headers = headersOf(held.subarray(0, end).toString());
    held = held.subarray(end + 4);
    part.ended = false;
    const pieces = content();
    yield { headers, content: pieces };
    await skip(pieces);
  }
  // The epilogue is read, so that the connection can serve the next request.
  held = Buffer.alloc(0);
  while (await more()) held = Buffer.alloc(0);
}

/** The headers of a part, or of a request within a batch. */
export function headersOf(text: string): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const line of text.split("\r\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) headers[line.slice(0, colon).trim().toLowerCase()] = line.slice(colon + 1).trim();
  }
  return headers;
}
