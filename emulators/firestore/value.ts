import { isUtf8 } from "node:buffer";
import { StatusError } from "../kernel/status-error.ts";
import { FIELD_PATH_BYTES_MAX, VALUE_DEPTH_MAX, VECTOR_DIMENSIONS_MAX } from "./limits.ts";
import { BYTES, FIXED64, VARINT, WireReader } from "./wire.ts";

/** A value of a field. Text stays in UTF-8, since most of it is stored and compared, never read. */
export type Value =
  | { readonly type: "null" }
  | { readonly type: "boolean"; readonly value: boolean }
  | { readonly type: "integer"; readonly value: bigint }
  | { readonly type: "double"; readonly value: number }
  | { readonly type: "timestamp"; readonly seconds: number; readonly nanos: number }
  | { readonly type: "string"; readonly utf8: Buffer }
  | { readonly type: "bytes"; readonly bytes: Buffer }
  | { readonly type: "reference"; readonly name: string }
  | { readonly type: "geoPoint"; readonly latitude: number; readonly longitude: number }
  | ArrayValue
  | MapValue;

export interface ArrayValue {
  readonly type: "array";
  readonly values: readonly Value[];
}
export interface MapValue {
  readonly type: "map";
  readonly fields: Fields;
}
export type Fields = Map<string, Value>;

export const NULL_VALUE: Value = { type: "null" };

/** Where a map holds a vector, under this key stands the vector's marker. */
const TYPE_KEY = "__type__";
const VECTOR_MARK = Buffer.from("__vector__");
const RESERVED_NAME = /^__.*__$/s;
const SECONDS_MIN = -62_135_596_800;
const SECONDS_MAX = 253_402_300_799;

const invalid = (message: string): StatusError => new StatusError("INVALID_ARGUMENT", message);

export const stringValue = (text: string): Value => ({ type: "string", utf8: Buffer.from(text) });
export const integerValue = (value: bigint): Value => ({ type: "integer", value });

/** Reads an encoded `google.firestore.v1.Value` and refuses what may not be stored. */
export function decodeValue(bytes: Uint8Array): Value {
  return readValue(new WireReader(bytes), 1, false);
}

/** As `decodeValue`, for the operand of `in` and its like: an array that may hold arrays. */
export function decodeOperand(bytes: Uint8Array): Value {
  return readValue(new WireReader(bytes), 0, true);
}

/** Reads an encoded `google.firestore.v1.ArrayValue`. */
export function decodeArray(bytes: Uint8Array): readonly Value[] {
  return readArray(new WireReader(bytes), 1, false).values;
}

function readValue(reader: WireReader, depth: number, nestedArrays: boolean): Value {
  let value: Value | undefined;
  while (!reader.done) {
    const tag = reader.varint();
    value = readMember(reader, tag, depth, nestedArrays) ?? value;
  }
  if (value === undefined) throw invalid("A value must have its type set.");
  return value;
}

function readMember(
  reader: WireReader,
  tag: number,
  depth: number,
  nestedArrays: boolean,
): Value | undefined {
  const [field, wireType] = [tag >>> 3, tag & 7];
  switch (field) {
    case 1:
      reader.expect(wireType, VARINT);
      return { type: "boolean", value: reader.int64() !== 0n };
    case 2:
      reader.expect(wireType, VARINT);
      return { type: "integer", value: reader.int64() };
    case 3:
      reader.expect(wireType, FIXED64);
      return { type: "double", value: reader.double() };
    case 11:
      reader.expect(wireType, VARINT);
      reader.int64();
      return NULL_VALUE;
    case 19:
    case 20:
    case 21:
    case 22:
      throw invalid("Expressions are not values and cannot be used here.");
    default:
  }
  if (![5, 6, 8, 9, 10, 17, 18].includes(field)) {
    reader.skip(wireType);
    return undefined;
  }
  reader.expect(wireType, BYTES);
  if (field === 17) return { type: "string", utf8: checkedText(reader.bytes()) };
  if (field === 18) return { type: "bytes", bytes: reader.bytes() };
  if (field === 5) return { type: "reference", name: checkedText(reader.bytes()).toString() };
  if (field === 10) return readTimestamp(reader.nested());
  if (field === 8) return readGeoPoint(reader.nested());
  if (depth > VALUE_DEPTH_MAX) {
    throw invalid(`Property contains an invalid nested entity: the maximum depth is ${VALUE_DEPTH_MAX}.`);
  }
  if (field === 9) return readArray(reader.nested(), depth, nestedArrays);
  return { type: "map", fields: readFields(reader.nested(), 1, depth, true) };
}

function checkedText(bytes: Buffer): Buffer {
  if (!isUtf8(bytes)) throw invalid("A string is not valid UTF-8.");
  return bytes;
}

function readTimestamp(reader: WireReader): Value {
  let seconds = 0;
  let nanos = 0;
  while (!reader.done) {
    const tag = reader.varint();
    if (tag === 8) seconds = Number(reader.int64());
    else if (tag === 16) nanos = Number(reader.int64());
    else reader.skip(tag & 7);
  }
  if (seconds < SECONDS_MIN || seconds > SECONDS_MAX || nanos < 0 || nanos > 999_999_999) {
    throw invalid(
      "A timestamp is out of range: from 0001-01-01T00:00:00Z to 9999-12-31T23:59:59.999999999Z.",
    );
  }
  // Precise only to microseconds; the rest is rounded down.
  return { type: "timestamp", seconds, nanos: nanos - (nanos % 1000) };
}

function readGeoPoint(reader: WireReader): Value {
  let latitude = 0;
  let longitude = 0;
  while (!reader.done) {
    const tag = reader.varint();
    if (tag === 9) latitude = reader.double();
    else if (tag === 17) longitude = reader.double();
    else reader.skip(tag & 7);
  }
  if (!(Math.abs(latitude) <= 90) || !(Math.abs(longitude) <= 180)) {
    throw invalid("A geo point is out of range: latitude -90 to 90, longitude -180 to 180.");
  }
  return { type: "geoPoint", latitude, longitude };
}

function readArray(reader: WireReader, depth: number, nestedArrays: boolean): ArrayValue {
  const values: Value[] = [];
  while (!reader.done) {
    const tag = reader.varint();
    if (tag !== 10) {
      reader.skip(tag & 7);
      continue;
    }
    const value = readValue(reader.nested(), depth + 1, false);
    if (value.type === "array" && !nestedArrays) {
      throw invalid("Cannot convert an array value in an array value.");
    }
    values.push(value);
  }
  return { type: "array", values };
}

/**
 * Reads the entries of a `map<string, Value>` whose field number is `field`. The entries of one map
 * are told apart from other fields of the message by that number.
 */
export function readFields(reader: WireReader, field: number, depth: number, nested: boolean): Fields {
  const fields: Fields = new Map();
  while (!reader.done) {
    const tag = reader.varint();
    if (tag !== field * 8 + BYTES) {
      reader.skip(tag & 7);
      continue;
    }
    readEntry(reader.nested(), fields, depth);
  }
  checkFieldNames(fields, nested);
  return fields;
}

/** Reads one entry of a `map<string, Value>` into `fields`; a repeated key keeps the last value. */
export function readEntry(reader: WireReader, fields: Fields, depth: number): void {
  let name = "";
  let value: Value | undefined;
  while (!reader.done) {
    const tag = reader.varint();
    if (tag === 10) name = checkedText(reader.bytes()).toString();
    else if (tag === 18) value = readValue(reader.nested(), depth + 1, false);
    else reader.skip(tag & 7);
  }
  if (value === undefined) throw invalid(`The value of the field "${name}" must have its type set.`);
  fields.set(name, value);
}

export function checkFieldNames(fields: Fields, nested: boolean): void {
  for (const name of fields.keys()) {
    if (name === "") throw invalid("Property name is empty.");
    if (name.length * 3 > FIELD_PATH_BYTES_MAX && Buffer.byteLength(name) > FIELD_PATH_BYTES_MAX) {
      throw invalid(`Property name is longer than ${FIELD_PATH_BYTES_MAX} bytes.`);
    }
    if (name.charCodeAt(0) !== 95 || !RESERVED_NAME.test(name)) continue;
    if (nested && name === TYPE_KEY && isVectorMap(fields)) continue;
    throw invalid(`Property name "${name}" is reserved: it matches "__.*__".`);
  }
}

/** A vector is a map that says so, with its numbers under "value". */
export function vectorOf(value: Value): readonly number[] | undefined {
  if (value.type !== "map" || !isVectorMap(value.fields)) return undefined;
  const array = value.fields.get("value");
  if (array?.type !== "array") return undefined;
  const numbers: number[] = [];
  for (const element of array.values) {
    if (element.type === "double") numbers.push(element.value);
    else if (element.type === "integer") numbers.push(Number(element.value));
    else return undefined;
  }
  return numbers;
}

function isVectorMap(fields: Fields): boolean {
  const mark = fields.get(TYPE_KEY);
  if (mark?.type !== "string" || !mark.utf8.equals(VECTOR_MARK)) return false;
  const values = fields.get("value");
  if (values?.type !== "array" || fields.size !== 2) return false;
  if (values.values.length > VECTOR_DIMENSIONS_MAX) {
    throw invalid(`A vector has at most ${VECTOR_DIMENSIONS_MAX} dimensions.`);
  }
  return true;
}
