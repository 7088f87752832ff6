import { expect, test } from "vitest";
import { inverted, valueKey } from "./key.ts";
import { pathKey, pathOfKey } from "./path.ts";
import { decodeValue, stringValue, type Value } from "./value.ts";
import { writeValue } from "./write-value.ts";
import { WireWriter } from "./wire.ts";

const integer = (value: bigint | number): Value => ({ type: "integer", value: BigInt(value) });
const double = (value: number): Value => ({ type: "double", value });
const array = (...values: Value[]): Value => ({ type: "array", values });
const map = (fields: Record<string, Value>): Value => ({
  type: "map",
  fields: new Map(Object.entries(fields)),
});
const bytes = (...values: number[]): Value => ({ type: "bytes", bytes: Buffer.from(values) });
const reference = (path: string): Value => ({
  type: "reference",
  name: `projects/p/databases/(default)/documents/${path}`,
});
const vector = (...values: number[]): Value =>
  map({ __type__: stringValue("__vector__"), value: array(...values.map(double)) });

/** Firestore's order of values: each row is equal within itself and before the next. */
const ORDER: readonly (readonly Value[])[] = [
  [{ type: "null" }],
  [{ type: "boolean", value: false }],
  [{ type: "boolean", value: true }],
  [double(Number.NaN)],
  [double(Number.NEGATIVE_INFINITY)],
  [double(-1.7e308)],
  [integer(-(2n ** 63n)), double(-(2 ** 63))],
  [integer(-(2n ** 63n) + 1n)],
  [integer(-(2n ** 53n) - 1n)],
  [double(-(2 ** 53)), integer(-(2n ** 53n))],
  [double(-1.5)],
  [integer(-1), double(-1)],
  [double(-5e-324)],
  [integer(0), double(0), double(-0)],
  [double(5e-324)],
  [integer(1), double(1)],
  [double(1.1)],
  [integer(2n ** 53n), double(2 ** 53)],
  [integer(2n ** 53n + 1n)],
  [integer(2n ** 53n + 2n), double(2 ** 53 + 2)],
  [integer(2n ** 63n - 513n)],
  [integer(2n ** 63n - 512n)],
  [integer(2n ** 63n - 1n)],
  [double(2 ** 63)],
  [double(Number.POSITIVE_INFINITY)],
  [{ type: "timestamp", seconds: -62_135_596_800, nanos: 0 }],
  [{ type: "timestamp", seconds: -1, nanos: 999_999_000 }],
  [{ type: "timestamp", seconds: 0, nanos: 0 }],
  [{ type: "timestamp", seconds: 0, nanos: 1000 }],
  [{ type: "timestamp", seconds: 253_402_300_799, nanos: 0 }],
  [stringValue("")],
  [stringValue("\u0000")],
  [stringValue("\u0000a")],
  [stringValue("\u0001")],
  [stringValue("a")],
  [stringValue("a\u0000")],
  [stringValue("ab")],
  [stringValue("b")],
  [stringValue("é")],
  // In UTF-8, unlike in UTF-16, what is beyond the basic plane comes last.
  [stringValue("\uffee")],
  [stringValue("\u{1f600}")],
  [bytes()],
  [bytes(0)],
  [bytes(0, 0)],
  [bytes(1)],
  [bytes(255)],
  [reference("a/b")],
  [reference("a/b/c/d")],
  [reference("a/b0")],
  [reference("a/c")],
  [reference("b/a")],
  [{ type: "geoPoint", latitude: -1, longitude: 5 }],
  [{ type: "geoPoint", latitude: 1, longitude: -5 }],
  [{ type: "geoPoint", latitude: 1, longitude: 5 }],
  [array()],
  [array(integer(1))],
  [array(integer(1), integer(0))],
  [array(integer(2))],
  [array(stringValue("a"))],
  [array(stringValue("ab"))],
  [vector(9)],
  [vector(1, 2)],
  [vector(1, 3)],
  [map({})],
  [map({ a: integer(1) })],
  [map({ a: integer(1), b: integer(0) }), map({ b: double(0), a: double(1) })],
  [map({ a: integer(2) })],
  [map({ aa: integer(0) })],
  [map({ b: integer(0) })],
];

test("keys sort as Firestore sorts values, and inverted keys the other way round", () => {
  const rows = ORDER.map((row) => row.map(valueKey));
  for (const [i, row] of rows.entries()) {
    for (const key of row) expect(key.equals(row[0] as Buffer), `row ${i}`).toBe(true);
    const next = rows[i + 1]?.[0];
    if (next === undefined) continue;
    const key = row[0] as Buffer;
    expect(Buffer.compare(key, next), `rows ${i} and ${i + 1}`).toBe(-1);
    expect(Buffer.compare(inverted(key), inverted(next)), `rows ${i} and ${i + 1}`).toBe(1);
  }
});

test("no key is the beginning of another, so that keys can follow one another", () => {
  const keys = ORDER.map((row) => valueKey(row[0] as Value).toString("latin1"));
  for (const key of keys) {
    expect(keys.filter((other) => other !== key && other.startsWith(key))).toEqual([]);
  }
});

test("values survive being written and read", () => {
  for (const value of ORDER.flat()) {
    const writer = new WireWriter();
    writeValue(writer, value);
    expect(valueKey(decodeValue(writer.finish()))).toEqual(valueKey(value));
  }
});

test("paths sort segment by segment, with ids that are numbers first", () => {
  const paths = [
    "a/__id-9223372036854775808__",
    "a/__id-7__",
    "a/__id0__",
    "a/__id1__/c/__id258__",
    "a/__id3__",
    "a/__id9223372036854775807__",
    "a/0",
    "a/b",
    "a/b/c/d",
    "a/b\u0000",
    "a/bb",
    "a\u0000/b",
    "aa/b",
  ];
  const keys = paths.map(pathKey);
  expect([...keys].sort(Buffer.compare)).toEqual(keys);
  for (const path of paths) expect(pathOfKey(pathKey(path))).toBe(path);
});
