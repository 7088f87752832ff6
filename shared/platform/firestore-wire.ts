import { type DocumentData, Timestamp } from "@google-cloud/firestore";

/**
 * What BatchGetDocuments says on the wire (google/firestore/v1/firestore.proto, document.proto), read
 * straight into plain values. Google's client makes a message of each value and a value of each message.
 */

/** A document, or where none is. */
export interface WireDocument {
  readonly name: string;
  /** Undefined where there is none. */
  readonly fields: DocumentData | undefined;
  readonly updateTime: Timestamp | undefined;
}

export interface WireAnswer {
  /** Undefined in an answer that tells of no document. */
  readonly document: WireDocument | undefined;
  readonly readTime: Timestamp;
}

/** How a value stands on the wire (protobuf.dev/programming-guides/encoding). */
const WIRE = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

const tagOf = (field: number, wire: number): number => (field << 3) | wire;

/** The fields of the messages that are read here, with how they stand. */
const TAG = {
  answer: { found: tagOf(1, WIRE.bytes), missing: tagOf(2, WIRE.bytes), readTime: tagOf(4, WIRE.bytes) },
  document: { name: tagOf(1, WIRE.bytes), fields: tagOf(2, WIRE.bytes), updateTime: tagOf(4, WIRE.bytes) },
  entry: { key: tagOf(1, WIRE.bytes), value: tagOf(2, WIRE.bytes) },
  timestamp: { seconds: tagOf(1, WIRE.varint), nanos: tagOf(2, WIRE.varint) },
  value: {
    boolean: tagOf(1, WIRE.varint),
    integer: tagOf(2, WIRE.varint),
    double: tagOf(3, WIRE.fixed64),
    map: tagOf(6, WIRE.bytes),
    array: tagOf(9, WIRE.bytes),
    timestamp: tagOf(10, WIRE.bytes),
    null: tagOf(11, WIRE.varint),
    string: tagOf(17, WIRE.bytes),
    bytes: tagOf(18, WIRE.bytes),
  },
  /** Of a map's entries and of an array's values. */
  element: tagOf(1, WIRE.bytes),
} as const;

/** BatchGetDocumentsRequest: the database, then each document's name. */
export function encodeBatchGet(database: string, names: readonly string[]): Buffer {
  const texts = [database, ...names];
  const lengths = texts.map((text) => Buffer.byteLength(text));
  const size = lengths.reduce((sum, length) => sum + 1 + varintBytes(length) + length, 0);
  const bytes = Buffer.allocUnsafe(size);
  let at = 0;
  for (const [index, text] of texts.entries()) {
    bytes[at] = index === 0 ? tagOf(1, WIRE.bytes) : tagOf(2, WIRE.bytes);
    at = writeVarint(bytes, at + 1, lengths[index] ?? 0);
    at += bytes.write(text, at);
  }
  return bytes;
}

function writeVarint(bytes: Buffer, from: number, value: number): number {
  let at = from;
  let rest = value;
  for (; rest > 127; rest >>>= 7) bytes[at++] = (rest & 127) | 128;
  bytes[at++] = rest;
  return at;
}

function varintBytes(value: number): number {
  let count = 1;
  for (let rest = value; rest > 127; rest >>>= 7) count += 1;
  return count;
}

/**
 * BatchGetDocumentsResponse. Bytes in it stay where they are: they are good for as long as the answer.
 * @throws Error for what is no such message, and for values that nothing is stored as (references, places)
 */
export function decodeBatchGetAnswer(bytes: Buffer): WireAnswer {
  const reader = new Reader(bytes);
  let document: WireDocument | undefined;
  let readTime = new Timestamp(0, 0);
  while (reader.at < reader.end) {
    const tag = reader.varint();
    if (tag === TAG.answer.found) document = reader.within(readDocument);
    else if (tag === TAG.answer.missing)
      document = { name: reader.text(), fields: undefined, updateTime: undefined };
    else if (tag === TAG.answer.readTime) readTime = reader.within(readTimestamp);
    else reader.skip(tag);
  }
  return { document, readTime };
}

/** A place in a message, and where that ends. */
class Reader {
  readonly bytes: Buffer;
  at = 0;
  end: number;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
    this.end = bytes.byteLength;
  }

  /** Up to 2^53 exactly, as a number of JavaScript can be; the sign comes with the tenth byte. */
  varint(): number {
    let low = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.#byte();
      low += (byte & 127) * 2 ** shift;
      if (byte < 128) return low;
    }
    let high = 0;
    for (let shift = 0; shift < 42; shift += 7) {
      const byte = this.#byte();
      high += (byte & 127) * 2 ** shift;
      if (byte < 128) return signed(high, low);
    }
    throw new Error("A number of the answer is too long.");
  }

  #byte(): number {
    const byte = this.bytes[this.at];
    if (byte === undefined || this.at >= this.end) throw new Error("The answer ends too early.");
    this.at += 1;
    return byte;
  }

  double(): number {
    const value = this.bytes.readDoubleLE(this.at);
    this.at += 8;
    return value;
  }

  /** Where the bytes that come end. */
  #endOf(): number {
    const length = this.varint();
    const end = this.at + length;
    if (end > this.end) throw new Error("The answer ends too early.");
    return end;
  }

  slice(): Buffer {
    const end = this.#endOf();
    const slice = this.bytes.subarray(this.at, end);
    this.at = end;
    return slice;
  }

  text(): string {
    const end = this.#endOf();
    const { at } = this;
    this.at = end;
    return end - at <= SHORT_BYTES ? shortText(this.bytes, at, end) : this.bytes.toString("utf8", at, end);
  }

  /** Goes into the message that comes; returns the end of this one, to leave to. */
  enter(): number {
    const outer = this.end;
    this.end = this.#endOf();
    return outer;
  }

  leave(outer: number): void {
    this.at = this.end;
    this.end = outer;
  }

  within<T>(read: (reader: Reader) => T): T {
    const outer = this.enter();
    const value = read(this);
    this.leave(outer);
    return value;
  }

  skip(tag: number): void {
    const wire = tag & 7;
    if (wire === WIRE.varint) this.varint();
    else if (wire === WIRE.bytes) this.slice();
    else if (wire === WIRE.fixed64) this.at += 8;
    else if (wire === WIRE.fixed32) this.at += 4;
    else throw new Error("The answer is no message.");
  }
}

const LOW_BITS = 2 ** 28;
const HIGH_MAX = 2 ** 36;

/** Of 64 bits in two's complement, the lowest 28 of them apart. */
const signed = (high: number, low: number): number =>
  (high >= HIGH_MAX / 2 ? high - HIGH_MAX : high) * LOW_BITS + low;

/** Up to so many bytes, a text is made faster here than by a call out of JavaScript. */
const SHORT_BYTES = 16;

function shortText(bytes: Buffer, from: number, end: number): string {
  let text = "";
  for (let at = from; at < end; at += 1) {
    const byte = bytes[at] ?? 0;
    if (byte > 127) return bytes.toString("utf8", from, end);
    text += String.fromCharCode(byte);
  }
  return text;
}

function readDocument(reader: Reader): WireDocument {
  const fields: DocumentData = {};
  let name = "";
  let updateTime: Timestamp | undefined;
  while (reader.at < reader.end) {
    const tag = reader.varint();
    if (tag === TAG.document.fields) readEntry(reader, fields);
    else if (tag === TAG.document.name) name = reader.text();
    else if (tag === TAG.document.updateTime) updateTime = reader.within(readTimestamp);
    else reader.skip(tag);
  }
  return { name, fields, updateTime };
}

function readEntry(reader: Reader, into: DocumentData): void {
  const outer = reader.enter();
  let key = "";
  let value: unknown = null;
  while (reader.at < reader.end) {
    const tag = reader.varint();
    if (tag === TAG.entry.key) key = reader.text();
    else if (tag === TAG.entry.value) value = reader.within(readValue);
    else reader.skip(tag);
  }
  reader.leave(outer);
  if (key === "__proto__") Object.defineProperty(into, key, { value, enumerable: true, writable: true });
  else into[key] = value;
}

function readMap(reader: Reader): DocumentData {
  const map: DocumentData = {};
  while (reader.at < reader.end) {
    const tag = reader.varint();
    if (tag === TAG.element) readEntry(reader, map);
    else reader.skip(tag);
  }
  return map;
}

function readArray(reader: Reader): unknown[] {
  const array: unknown[] = [];
  while (reader.at < reader.end) {
    const tag = reader.varint();
    if (tag === TAG.element) array.push(reader.within(readValue));
    else reader.skip(tag);
  }
  return array;
}

function readTimestamp(reader: Reader): Timestamp {
  let seconds = 0;
  let nanos = 0;
  while (reader.at < reader.end) {
    const tag = reader.varint();
    if (tag === TAG.timestamp.seconds) seconds = reader.varint();
    else if (tag === TAG.timestamp.nanos) nanos = reader.varint();
    else reader.skip(tag);
  }
  return new Timestamp(seconds, nanos);
}

function readValue(reader: Reader): unknown {
  let value: unknown = null;
  while (reader.at < reader.end) {
    const tag = reader.varint();
    switch (tag) {
      case TAG.value.string:
        value = reader.text();
        break;
      case TAG.value.integer:
        value = reader.varint();
        break;
      case TAG.value.timestamp:
        value = reader.within(readTimestamp);
        break;
      case TAG.value.map:
        value = reader.within(readMap);
        break;
      case TAG.value.array:
        value = reader.within(readArray);
        break;
      case TAG.value.boolean:
        value = reader.varint() !== 0;
        break;
      case TAG.value.null:
        reader.varint();
        value = null;
        break;
      case TAG.value.double:
        value = reader.double();
        break;
      case TAG.value.bytes:
        value = reader.slice();
        break;
      default:
        throw new Error(`The answer holds a value of a kind (${tag >> 3}) that nothing is stored as.`);
    }
  }
  return value;
}
