/** An element of JSON that has been cut out of a stream. */
export interface Element {
  /** Undefined for one that is too large. */
  readonly bytes: Buffer | undefined;
  /** Where it ends, from the beginning of the stream. */
  readonly end: number;
}

export interface ElementScanner {
  /** The elements that end within the chunk. */
  push(chunk: Buffer): Element[];
  /** Whether what has been given ends in the middle of an element. */
  readonly isCut: boolean;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN = new Set([0x5b, 0x7b]);
const CLOSE = new Set([0x5d, 0x7d]);

/**
 * Cuts JSON into elements without parsing it: those of a list, or objects one after the other. Takes memory
 * for one element, and looks at each byte outside of texts once.
 */
export function createElementScanner({
  isList,
  position,
  bytesMax,
}: {
  /** The elements of a list at the top; otherwise what stands at the top. */
  readonly isList: boolean;
  /** Where the first chunk begins; of a list, within it unless that is 0. */
  readonly position: number;
  readonly bytesMax: number;
}): ElementScanner {
  const base = isList ? 1 : 0;
  let depth = isList && position > 0 ? 1 : 0;
  let offset = position;
  let isInText = false;
  /** Of a text that a chunk has ended within: an odd number of backslashes stands before what comes. */
  let isEscaped = false;
  let pieces: Buffer[] = [];
  let size = 0;
  let isInElement = false;

  const keep = (piece: Buffer): void => {
    size += piece.length;
    if (size <= bytesMax) pieces.push(piece);
    else pieces = [];
  };
  /** After the end of a text that goes on at `from`; undefined when it does not end in the chunk. */
  const endOfText = (chunk: Buffer, from: number): number | undefined => {
    for (let at = from; ;) {
      const quote = chunk.indexOf(QUOTE, at);
      if (quote === -1) {
        let slashes = 0;
        while (slashes < chunk.length - from && chunk[chunk.length - 1 - slashes] === BACKSLASH) slashes += 1;
        const reachesStart = slashes === chunk.length - from;
        isEscaped = ((slashes + (reachesStart && isEscaped ? 1 : 0)) & 1) === 1;
        return undefined;
      }
      let slashes = 0;
      while (quote - 1 - slashes >= from && chunk[quote - 1 - slashes] === BACKSLASH) slashes += 1;
      const before = quote - slashes === from && isEscaped ? 1 : 0;
      if (((slashes + before) & 1) === 0) return quote + 1;
      at = quote + 1;
    }
  };

  return {
    get isCut() {
      return isInElement || depth > base;
    },
    push(chunk) {
      const elements: Element[] = [];
      let start = 0;
      let at = 0;
      while (at < chunk.length) {
        if (isInText) {
          const end = endOfText(chunk, at);
          if (end === undefined) break;
          isInText = false;
          isEscaped = false;
          at = end;
          continue;
        }
        const byte = chunk[at] ?? 0;
        if (byte === QUOTE) {
          isInText = true;
          isEscaped = false;
        } else if (OPEN.has(byte)) {
          depth += 1;
          if (depth === base + 1) {
            isInElement = true;
            start = at;
          }
        } else if (CLOSE.has(byte)) {
          depth -= 1;
          if (depth === base && isInElement) {
            keep(chunk.subarray(start, at + 1));
            const bytes = size <= bytesMax ? Buffer.concat(pieces) : undefined;
            elements.push({ bytes, end: offset + at + 1 });
            pieces = [];
            size = 0;
            isInElement = false;
          }
        }
        at += 1;
      }
      if (isInElement) keep(chunk.subarray(start));
      offset += chunk.length;
      return elements;
    },
  };
}
