import protobuf from "protobufjs";
import { expect, test } from "vitest";
import { fromProtoJson, toProtoJson } from "./proto-json.ts";
import { StatusError } from "./status-error.ts";

const root = protobuf.Root.fromJSON({
  nested: {
    google: {
      nested: {
        protobuf: {
          nested: {
            Timestamp: { fields: { seconds: { type: "int64", id: 1 }, nanos: { type: "int32", id: 2 } } },
            Duration: { fields: { seconds: { type: "int64", id: 1 }, nanos: { type: "int32", id: 2 } } },
            Int32Value: { fields: { value: { type: "int32", id: 1 } } },
            FieldMask: { fields: { paths: { rule: "repeated", type: "string", id: 1 } } },
            NullValue: { values: { NULL_VALUE: 0 } },
          },
        },
      },
    },
    Thing: {
      oneofs: { one: { oneof: ["nothing", "text"] } },
      fields: {
        big: { type: "int64", id: 1 },
        ratio: { type: "double", id: 2 },
        bytes: { type: "bytes", id: 3 },
        flag: { type: "bool", id: 4 },
        kind: { type: "Kind", id: 5 },
        at: { type: "google.protobuf.Timestamp", id: 6 },
        after: { type: "google.protobuf.Duration", id: 7 },
        limit: { type: "google.protobuf.Int32Value", id: 8 },
        mask: { type: "google.protobuf.FieldMask", id: 9 },
        nothing: { type: "google.protobuf.NullValue", id: 10 },
        text: { type: "string", id: 11 },
        parts: { rule: "repeated", type: "Thing", id: 12 },
        byName: { keyType: "string", type: "Thing", id: 13 },
      },
    },
    Kind: { values: { NONE: 0, SOME: 1 } },
  },
} as protobuf.INamespace);
root.resolveAll();
const thing = root.lookupType("Thing");

/** What a JSON is after a journey over the wire. */
const travelled = (json: object, options = {}): unknown => {
  const bytes = thing.encode(fromProtoJson(thing, json)).finish();
  return JSON.parse(JSON.stringify(toProtoJson(thing, thing.decode(bytes), options)));
};

test.each([
  { big: "9223372036854775807" },
  { ratio: 0.1 },
  { ratio: "-Infinity" },
  { ratio: -0 },
  { bytes: "AP8=" },
  { flag: true, kind: "SOME" },
  { at: "2024-02-29T12:00:00Z" },
  { at: "1969-12-31T23:59:59.123456Z" },
  { at: "0001-01-01T00:00:00.000000001Z" },
  { after: "-1.500s" },
  { limit: 0 },
  { mask: "a,bC.d" },
  { nothing: null },
  { text: "" },
  { parts: [{ big: "1" }, {}] },
  { byName: { a: { text: "x" }, __proto: {} } },
])("%j survives", (json) => {
  expect(travelled(json)).toEqual(json);
});

test("numbers may come as text, names in either case, times with an offset, a list as one of its kind", () => {
  const json = {
    big: 5,
    ratio: "1e3",
    flag: "true",
    kind: 1,
    at: "2024-01-01T01:00:00+01:00",
    by_name: { a: { text: "x" } },
    parts: { text: "only" },
    bytes: "_-8",
  };
  expect(travelled(json)).toEqual({
    big: "5",
    ratio: 1000,
    flag: true,
    kind: "SOME",
    at: "2024-01-01T00:00:00Z",
    byName: { a: { text: "x" } },
    parts: [{ text: "only" }],
    bytes: "/+8=",
  });
});

test("a null field is an absent one", () => {
  expect(travelled({ text: null, at: null })).toEqual({});
});

test("enums are numbers for who asks", () => {
  expect(travelled({ kind: "SOME" }, { enumNumbers: true })).toEqual({ kind: 1 });
});

test.each([
  [{ unknown: 1 }, /Unknown name "unknown": Cannot find field/],
  [{ parts: [{ odd: 1 }] }, /Unknown name "odd" at 'parts\[0\]'/],
  [{ big: "1.5" }, /at 'big' \(int64\)/],
  [{ flag: 1 }, /at 'flag' \(bool\)/],
  [{ text: 1 }, /at 'text' \(string\)/],
  [{ ratio: "" }, /at 'ratio' \(double\)/],
  [{ kind: "MANY" }, /is no Kind/],
  [{ at: "yesterday" }, /no RFC 3339 time/],
  [{ after: "soon" }, /no duration/],
  [{ byName: [] }, /expected an object/],
])("%j is refused", (json, message) => {
  expect(() => fromProtoJson(thing, json)).toThrow(StatusError);
  expect(() => fromProtoJson(thing, json)).toThrow(message);
});
