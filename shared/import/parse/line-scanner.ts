import type { Element, ElementScanner } from "./element-scanner.ts";

const NEWLINE = 0x0a;

/** Cuts a text into its lines. Takes memory for one line. */
export function createLineScanner({
  position,
  bytesMax,
}: {
  readonly position: number;
  readonly bytesMax: number;
}): ElementScanner & { end(): Element[] } {
  let pieces: Buffer[] = [];
  let size = 0;
  let offset = position;
  const keep = (piece: Buffer): void => {
    size += piece.length;
    if (size <= bytesMax) pieces.push(piece);
    else pieces = [];
  };
  const take = (end: number): Element => {
    const bytes = size <= bytesMax ? Buffer.concat(pieces) : undefined;
    pieces = [];
    size = 0;
    return { bytes, end };
  };
  return {
    isCut: false,
    push(chunk) {
      const lines: Element[] = [];
      let start = 0;
      for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, start)) {
        keep(chunk.subarray(start, at));
        start = at + 1;
        lines.push(take(offset + start));
      }
      keep(chunk.subarray(start));
      offset += chunk.length;
      return lines;
    },
    end: () => (size === 0 ? [] : [take(offset)]),
  };
}
