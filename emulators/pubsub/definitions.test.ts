import { expect, test } from "vitest";
import { parseAvro } from "./avro.ts";
import { AvroError } from "./avro-reader.ts";
import { ProtoError, parseProto } from "./proto-definition.ts";

const node = parseAvro(
  JSON.stringify({
    type: "record",
    name: "Node",
    namespace: "a.b",
    fields: [
      { name: "id", type: "int" },
      { name: "tags", type: { type: "array", items: "string" } },
      { name: "kind", type: { type: "enum", name: "Kind", symbols: ["LEAF", "INNER"] } },
      { name: "hash", type: { type: "fixed", name: "Hash", size: 2 } },
      { name: "sizes", type: { type: "map", values: "double" } },
      { name: "next", type: ["null", "Node"] },
    ],
  }),
);
const leaf = { id: 1, tags: ["x"], kind: "LEAF", hash: "\u0000\u00ff", sizes: { a: 1.5 }, next: null };

test.each([leaf, { ...leaf, next: { "a.b.Node": leaf } }, { ...leaf, id: -(2 ** 31), tags: [] }])(
  "Avro in JSON takes %j",
  (value) => {
    expect(node.checkJson(JSON.stringify(value))).toBeUndefined();
  },
);

test.each([
  { ...leaf, id: 2 ** 31 },
  { ...leaf, id: 1.5 },
  { ...leaf, kind: "OTHER" },
  { ...leaf, hash: "abc" },
  { ...leaf, hash: "a\u0100" },
  { ...leaf, sizes: { a: "1" } },
  { ...leaf, next: leaf },
  { ...leaf, more: 1 },
  { id: 1 },
  [],
  null,
])("Avro in JSON refuses %j", (value) => {
  expect(() => node.checkJson(JSON.stringify(value))).toThrow(AvroError);
});

// id 1; one tag "x", no more; LEAF; two bytes; no sizes; null.
const leafBytes = [2, 2, 2, 0x78, 0, 0, 0, 255, 0, 0];

test.each([
  ["a leaf", leafBytes],
  ["a node in a node", [...leafBytes.slice(0, -1), 2, ...leafBytes]],
  ["a block with its size", [2, 1, 4, 2, 0x78, 0, 0, 0, 255, 0, 0]],
])("Avro's binary encoding takes %s", (_, bytes) => {
  expect(node.checkBinary(Buffer.from(bytes))).toBeUndefined();
});

test.each([
  ["an end that comes early", leafBytes.slice(0, -1)],
  ["bytes behind it", [...leafBytes, 0]],
  ["an unknown branch", [...leafBytes.slice(0, -1), 4]],
  ["a text that is no UTF-8", [2, 2, 2, 0xff, 0, 0, 0, 255, 0, 0]],
  ["a negative length", [2, 2, 1, 0x78, 0, 0, 0, 255, 0, 0]],
  ["a block longer than the message", [2, 0xfe, 0xff, 0xff, 0xff, 0x0f]],
  ["an endless number", [255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255]],
  ["nodes in nodes without end", Array.from({ length: 2000 }, () => [2, 0, 0, 0, 255, 0, 2]).flat()],
])("Avro's binary encoding refuses %s", (_, bytes) => {
  expect(() => node.checkBinary(Buffer.from(bytes))).toThrow(AvroError);
});

test.each([
  '{"type":"record","name":"A"}',
  '{"type":"record","name":"1A","fields":[]}',
  '{"type":"record","name":"A","fields":[{"name":"a","type":"int"},{"name":"a","type":"int"}]}',
  '{"type":"enum","name":"A","symbols":[1]}',
  '["int","int"]',
  "[]",
  "7",
])("%s is no Avro schema", (definition) => {
  expect(() => parseAvro(definition)).toThrow(AvroError);
});

const city = parseProto(`
  syntax = "proto3";
  package demo;
  message City {
    message Part { string name = 1; }
    enum Size { SMALL = 0; LARGE = 1; }
    string full_title = 1;
    uint32 people = 2;
    repeated Part parts = 3;
    map<string, int64> counts = 4;
    Size size = 5;
    bytes seal = 6;
    repeated int32 codes = 7;
    bool is_old = 8;
  }
`);

test.each([
  {},
  { full_title: "Wien", fullTitle: null },
  { fullTitle: "Wien", people: 2, parts: [{ name: "a" }], counts: { a: "9007199254740993" }, size: "LARGE" },
  { seal: "AQ==", codes: [1, -2], isOld: true, size: 1 },
])("a proto in JSON takes %j", (value) => {
  expect(city.checkJson(JSON.stringify(value))).toBeUndefined();
});

test.each([
  { title: "Wien" },
  { people: -1 },
  { people: "x" },
  { parts: { name: "a" } },
  { parts: [{ title: "a" }] },
  { size: "HUGE" },
  { codes: [2 ** 31] },
  { seal: "%" },
  { isOld: "true" },
  [],
  "text",
])("a proto in JSON refuses %j", (value) => {
  expect(() => city.checkJson(JSON.stringify(value))).toThrow(ProtoError);
});

test("a proto's binary encoding takes known fields of the right form only", () => {
  const check = (...bytes: number[]) => city.checkBinary(Buffer.from(bytes));
  check();
  check(0x0a, 1, 0x41, 0x10, 5, 0x1a, 3, 0x0a, 1, 0x42, 0x3a, 2, 1, 2, 0x38, 7);
  expect(() => check(0x78, 1)).toThrow("field number 15");
  expect(() => check(0x08, 1)).toThrow(ProtoError);
  expect(() => check(0x0a, 5, 0x41)).toThrow(ProtoError);
  expect(() => check(0x1a, 2, 0x10, 1)).toThrow("field number 2");
  expect(() => check(0x1a, 9, 0x0a, 1, 0x42)).toThrow(ProtoError);
});
