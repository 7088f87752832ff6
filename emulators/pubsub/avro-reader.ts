/** Something that is not Avro, or not of the schema; the message says where. */
export class AvroError extends Error {}

/** Records may contain themselves, up to this depth. */
const DEPTH_MAX = 100;

/** Reads Avro's binary encoding: avro.apache.org/docs/1.11.1/specification#binary-encoding. */
export interface Reader {
  rest(): number;
  boolean(): void;
  int(): void;
  long(): bigint;
  skip(bytes: number): void;
  text(bytes: number): void;
  /** The blocks of an array or map. */
  blocks(readItem: () => void): void;
  deeper(work: () => void): void;
}

export function createReader(bytes: Uint8Array): Reader {
  let at = 0;
  let depth = 0;
  const take = (count: number): Uint8Array => {
    if (count < 0 || count > bytes.length - at) throw new AvroError("The message ends too early.");
    at += count;
    return bytes.subarray(at - count, at);
  };
  const long = (): bigint => {
    let value = 0n;
    // Ten groups of seven bits hold 64.
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const [byte = 0] = take(1);
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return (value >> 1n) ^ -(value & 1n);
    }
    throw new AvroError("A number is too long.");
  };
  const reader: Reader = {
    rest: () => bytes.length - at,
    boolean() {
      if ((take(1)[0] ?? 0) > 1) throw new AvroError("A boolean is neither 0 nor 1.");
    },
    int() {
      const value = long();
      if (BigInt.asIntN(32, value) !== value) throw new AvroError("An int is too large.");
    },
    long,
    skip: (count) => void take(count),
    text(count) {
      try {
        new TextDecoder("utf-8", { fatal: true }).decode(take(count));
      } catch (cause) {
        throw cause instanceof AvroError ? cause : new AvroError("A string is not UTF-8.");
      }
    },
    blocks(readItem) {
      for (let count = long(); count !== 0n; count = long()) {
        // A negative count comes with the block's size, for readers that pass over it.
        if (count < 0n) long();
        const items = count < 0n ? -count : count;
        // Items may take no bytes at all, so that a few bytes could promise years of work.
        if (items > BigInt(bytes.length)) throw new AvroError("A block is longer than the message.");
        for (let index = 0n; index < items; index += 1n) readItem();
      }
    },
    deeper(work) {
      depth += 1;
      if (depth > DEPTH_MAX) throw new AvroError("The message is nested too deep.");
      work();
      depth -= 1;
    },
  };
  return reader;
}
