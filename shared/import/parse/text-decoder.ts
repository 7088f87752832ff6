/** How a text is encoded, as far as that can be told. */
export const ENCODINGS = ["utf-8", "utf-16le", "utf-16be", "windows-1252"] as const;
export type Encoding = (typeof ENCODINGS)[number];

/**
 * Tells an encoding by the mark at the beginning, or by what can't be anything else: bytes that are no UTF-8
 * are taken for those of Windows, zeros at every other place for UTF-16.
 */
export function detectEncoding(head: Uint8Array): Encoding {
  if (head[0] === 0xff && head[1] === 0xfe) return "utf-16le";
  if (head[0] === 0xfe && head[1] === 0xff) return "utf-16be";
  const zeros = [0, 0];
  for (const [at, byte] of head.subarray(0, 4096).entries()) {
    if (byte === 0) zeros[at % 2] = (zeros[at % 2] ?? 0) + 1;
  }
  const [even = 0, odd = 0] = zeros;
  const many = Math.min(head.length, 4096) / 8;
  if (odd > many && even < odd / 8) return "utf-16le";
  if (even > many && odd < even / 8) return "utf-16be";
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(head, { stream: true });
    return "utf-8";
  } catch {
    return "windows-1252";
  }
}

export interface Recoder {
  /** The same in UTF-8. */
  push(chunk: Buffer): Buffer;
  end(): Buffer;
}

/** Brings a text to UTF-8, whose first `skip` bytes are left out then. The mark of UTF-8 stays. */
export function createRecoder(encoding: Encoding, skip: number): Recoder {
  const decoder = encoding === "utf-8" ? undefined : new TextDecoder(encoding);
  let left = skip;
  const drop = (bytes: Buffer): Buffer => {
    const dropped = Math.min(left, bytes.length);
    left -= dropped;
    return dropped === 0 ? bytes : bytes.subarray(dropped);
  };
  return {
    push: (chunk) =>
      drop(decoder === undefined ? chunk : Buffer.from(decoder.decode(chunk, { stream: true }))),
    end: () => drop(Buffer.from(decoder?.decode() ?? "")),
  };
}
