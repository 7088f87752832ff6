import { StatusError } from "../kernel/status-error.ts";
import { INDEXED_VALUE_BYTES_MAX } from "./limits.ts";
import { documentName, parseDocumentName, pathKey } from "./path.ts";
import { type MapValue, type Value, vectorOf } from "./value.ts";

/**
 * Values as bytes whose order is Firestore's order of values. No encoding is a prefix of another,
 * so encodings can stand one after the other in an index key, and an inverted one sorts backwards.
 * Two values are equal to a query exactly when their keys are.
 */
const NULL = 0x08;
const BOOLEAN = 0x10;
const NAN = 0x18;
const NUMBER = 0x20;
const TIMESTAMP = 0x28;
const STRING = 0x30;
const BYTES = 0x38;
const REFERENCE = 0x40;
const GEO_POINT = 0x48;
const ARRAY = 0x50;
const VECTOR = 0x58;
const MAP = 0x60;

/** Ends an array or map; lower than any type, so that a shorter one sorts first. */
const END = 0x01;
/** Precedes each entry of a map. */
const ENTRY = 0x02;

/** Below this every int64 is a double; from here on the remainder is needed as well. */
const EXACT_MAX = 2 ** 53;
const SECONDS_BIAS = 2 ** 40;

class KeyWriter {
  private buffer: Buffer = Buffer.allocUnsafe(4_096);
  private length = 0;
  /** Bytes of text still considered: only the beginning of a value is indexed. */
  private budget = INDEXED_VALUE_BYTES_MAX;

  start(): void {
    this.length = 0;
    this.budget = INDEXED_VALUE_BYTES_MAX;
  }

  finish(): Buffer {
    return Buffer.from(this.buffer.subarray(0, this.length));
  }

  finishText(): string {
    return this.buffer.toString("latin1", 0, this.length);
  }

  get exhausted(): boolean {
    return this.budget <= 0;
  }

  spend(bytes: number): void {
    this.budget -= bytes;
  }

  private reserve(more: number): void {
    if (this.length + more <= this.buffer.length) return;
    const grown = Buffer.allocUnsafe((this.length + more) * 2);
    this.buffer.copy(grown, 0, 0, this.length);
    this.buffer = grown;
  }

  byte(value: number): void {
    this.reserve(1);
    this.buffer[this.length++] = value;
  }

  double(value: number): void {
    this.reserve(8);
    const at = this.length;
    this.buffer.writeDoubleBE(value === 0 ? 0 : value, at);
    // IEEE 754 sorts as sign and magnitude: flip the sign of positives, everything of negatives.
    if ((this.buffer[at] as number) < 0x80) this.buffer[at] = (this.buffer[at] as number) | 0x80;
    else for (let i = at; i < at + 8; i += 1) this.buffer[i] = ~(this.buffer[i] as number) & 0xff;
    this.length += 8;
  }

  uint(value: number, bytes: number): void {
    this.reserve(bytes);
    this.buffer.writeUIntBE(value, this.length, bytes);
    this.length += bytes;
  }

  /** Text and bytes: zeros are escaped and a terminator ends them. */
  text(bytes: Uint8Array): void {
    const taken = Math.max(0, Math.min(bytes.length, this.budget));
    this.budget -= taken;
    this.reserve(taken * 2 + 2);
    for (let i = 0; i < taken; i += 1) {
      const byte = bytes[i] as number;
      this.buffer[this.length++] = byte;
      if (byte === 0) this.buffer[this.length++] = 0xff;
    }
    this.buffer[this.length++] = 0;
    this.buffer[this.length++] = 1;
  }
}

const writer = new KeyWriter();

export function valueKey(value: Value): Buffer {
  writer.start();
  writeKey(value);
  return writer.finish();
}

/** A value's key as a string of Latin-1. */
export function valueKeyText(value: Value): string {
  writer.start();
  writeKey(value);
  return writer.finishText();
}

function writeKey(value: Value): void {
  switch (value.type) {
    case "null":
      return writer.byte(NULL);
    case "boolean":
      writer.byte(BOOLEAN);
      return writer.byte(value.value ? 1 : 0);
    case "integer":
      return writeInteger(value.value);
    case "double":
      if (Number.isNaN(value.value)) return writer.byte(NAN);
      return writeNumber(value.value, 0);
    case "timestamp":
      writer.byte(TIMESTAMP);
      writer.uint(value.seconds + SECONDS_BIAS, 6);
      return writer.uint(value.nanos / 1000, 4);
    case "string":
      writer.byte(STRING);
      return writer.text(value.utf8);
    case "bytes":
      writer.byte(BYTES);
      return writer.text(value.bytes);
    case "reference":
      writer.byte(REFERENCE);
      return writer.text(referenceKey(value.name));
    case "geoPoint":
      writer.byte(GEO_POINT);
      writer.double(value.latitude);
      return writer.double(value.longitude);
    case "array":
      return writeArray(value.values);
    case "map":
      return writeMap(value);
  }
}

/** An int64 as the nearest double and the remainder, so that integers compare with doubles exactly. */
function writeInteger(value: bigint): void {
  const nearest = Number(value);
  const remainder = Math.abs(nearest) < EXACT_MAX ? 0 : Number(value - BigInt(nearest));
  writeNumber(nearest, remainder);
}

function writeNumber(double: number, remainder: number): void {
  writer.byte(NUMBER);
  writer.double(double);
  writer.uint(remainder + 0x8000, 2);
}

function referenceKey(name: string): Buffer {
  try {
    const path = parseDocumentName(name);
    return pathKey(`${documentName(path.database, path.collection)}/${path.id}`);
  } catch {
    // A reference need not name a possible document to be stored; it then sorts as its text.
    return Buffer.from(name);
  }
}

function writeArray(values: readonly Value[]): void {
  writer.byte(ARRAY);
  for (const value of values) {
    if (writer.exhausted) break;
    writer.spend(1);
    writeKey(value);
  }
  writer.byte(END);
}

function writeMap(map: MapValue): void {
  const vector = map.fields.size === 2 ? vectorOf(map) : undefined;
  if (vector !== undefined) {
    writer.byte(VECTOR);
    writer.uint(vector.length, 4);
    for (const number of vector) writer.double(number);
    return;
  }
  writer.byte(MAP);
  const names = [...map.fields.keys()].map((name) => Buffer.from(name)).sort(Buffer.compare);
  for (const name of names) {
    if (writer.exhausted) break;
    writer.spend(1);
    writer.byte(ENTRY);
    writer.text(name);
    writeKey(map.fields.get(name.toString()) as Value);
  }
  writer.byte(END);
}

/** The path a reference names, as its key. */
export function nameKey(value: Value, database: string): Buffer {
  if (value.type !== "reference")
    throw new StatusError("INVALID_ARGUMENT", "__name__ is compared with document names only.");
  const path = parseDocumentName(value.name);
  if (path.database !== database)
    throw new StatusError("INVALID_ARGUMENT", `"${value.name}" is not in the database "${database}".`);
  return pathKey(`${path.collection}/${path.id}`);
}

export const isNull = (key: Uint8Array): boolean => key[0] === NULL;
export const isNan = (key: Uint8Array): boolean => key[0] === NAN;

export function inverted(key: Uint8Array): Buffer {
  const result = Buffer.allocUnsafe(key.length);
  for (let i = 0; i < key.length; i += 1) result[i] = ~(key[i] as number) & 0xff;
  return result;
}

/** The least key above every key that starts with `prefix`; undefined when there is none. */
export function successor(prefix: Uint8Array): Buffer {
  let end = prefix.length;
  while (end > 0 && prefix[end - 1] === 0xff) end -= 1;
  // Keys begin with a collection's number, which never is all ones.
  if (end === 0) return Buffer.alloc(64, 0xff);
  const result = Buffer.from(prefix.subarray(0, end));
  result[end - 1] = (result[end - 1] as number) + 1;
  return result;
}

/**
 * The first bytes of values that a comparison with the given value can reach: comparisons are
 * between values of one type, and NaN is of the type of numbers.
 */
export function typeRange(key: Uint8Array): { readonly low: Buffer; readonly high: Buffer } {
  const type = key[0] as number;
  if (type === NAN || type === NUMBER) return { low: Buffer.from([NAN]), high: Buffer.from([NUMBER + 1]) };
  return { low: Buffer.from([type]), high: Buffer.from([type + 1]) };
}

/** Everything but null and what is missing: what `!=` and `not-in` range over. */
export const AFTER_NULL = Buffer.from([NULL + 1]);
