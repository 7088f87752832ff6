import type { Firestore } from "@google-cloud/firestore";
import { afterAll, beforeAll, expect, test } from "vitest";
import { databaseOf, startFirestore, type TestFirestore } from "./testing.ts";

let firestore: TestFirestore;
let client: Firestore;

beforeAll(async () => {
  firestore = await startFirestore();
  client = firestore.client();
});
afterAll(() => firestore.stop());

const INVALID_ARGUMENT = 3;
const UNIMPLEMENTED = 12;

const text = (length: number): object => ({ stringValue: "x".repeat(length) });
const set = (path: string, fields: object): Promise<unknown> => {
  const database = databaseOf(client);
  return firestore.call("Commit", {
    database,
    writes: [{ update: { name: `${database}/documents/${path}`, fields } }],
  });
};
const refused = { code: INVALID_ARGUMENT };

/** The status a call fails with; 0 where it does not. */
const codeOf = (call: Promise<unknown>): Promise<number> =>
  call.then(
    () => 0,
    (cause: { code: number }) => cause.code,
  );

test("a document may have one mebibyte by the documented formula, and not a byte more", async () => {
  // Name: "a" and "b" with a byte each, and 16. Fields: two of a letter and a byte. Texts: a byte each.
  // Document: 32.
  const overhead = 2 + 2 + 16 + 2 * (2 + 1) + 32;
  const half = 500_000;
  await set("a/b", { f: text(half), g: text(1_048_576 - overhead - half) });
  await expect(set("a/b", { f: text(half), g: text(1_048_576 - overhead - half + 1) })).rejects.toMatchObject(
    {
      code: INVALID_ARGUMENT,
      message: expect.stringContaining("exceeds the maximum allowed size of 1,048,576 bytes"),
    },
  );
});

test("a text may have a mebibyte less 89 bytes, wherever it stands", async () => {
  await set("a/b", { f: text(1_048_487) });
  const tooLong = [
    { f: text(1_048_488) },
    { f: { arrayValue: { values: [text(1_048_488)] } } },
    { m: { mapValue: { fields: { f: text(1_048_488) } } } },
  ];
  for (const fields of tooLong) {
    await expect(set("a/b", fields)).rejects.toMatchObject({
      code: INVALID_ARGUMENT,
      message: expect.stringContaining("is longer than 1048487 bytes"),
    });
  }
});

test("a request may not exceed ten mebibytes", async () => {
  const database = databaseOf(client);
  const writes = Array.from({ length: 11 }, (_, i) => ({
    update: { name: `${database}/documents/large/${i}`, fields: { f: text(1_000_000) } },
  }));
  await expect(firestore.call("Commit", { database, writes })).rejects.toMatchObject(refused);
});

test("ids must not be empty, dots, reserved or too long", async () => {
  for (const id of ["", ".", "..", "__reserved__", "x".repeat(1501)]) {
    expect([id, await codeOf(set(`a/${id}`, {}))]).toEqual([id, INVALID_ARGUMENT]);
    expect([id, await codeOf(set(`${id}/b`, {}))]).toEqual([id, INVALID_ARGUMENT]);
  }
  await set(`a/${"x".repeat(1500)}`, {});
  await set("a/__fine", {});
});

test("names of fields must not be empty, reserved or too long", async () => {
  for (const name of ["", "__reserved__", "x".repeat(1501)]) {
    expect([name, await codeOf(set("a/b", { [name]: text(1) }))]).toEqual([name, INVALID_ARGUMENT]);
    const nested = { m: { mapValue: { fields: { [name]: text(1) } } } };
    expect([name, await codeOf(set("a/b", nested))]).toEqual([name, INVALID_ARGUMENT]);
  }
});

test("maps and arrays go twenty deep, and arrays not into arrays", async () => {
  const nested = (depth: number): object =>
    depth === 0 ? { integerValue: 1 } : { mapValue: { fields: { m: nested(depth - 1) } } };
  await set("a/b", { f: nested(20) });
  await expect(set("a/b", { f: nested(21) })).rejects.toMatchObject(refused);
  const inner = { arrayValue: { values: [] } };
  await expect(set("a/b", { f: { arrayValue: { values: [inner] } } })).rejects.toMatchObject(refused);
});

test("a document has at most forty thousand index entries", async () => {
  const values = Array.from({ length: 39_990 }, (_, i) => ({ integerValue: i }));
  await set("a/many", { f: { arrayValue: { values } } });
  const more = [...values, ...Array.from({ length: 10 }, (_, i) => ({ integerValue: 50_000 + i }))];
  await expect(set("a/many", { f: { arrayValue: { values: more } } })).rejects.toMatchObject(refused);
});

test("queries look at the first 1,500 bytes of a text", async () => {
  await client.doc("texts/long").set({ t: `${"x".repeat(1500)}a` });
  const found = await client
    .collection("texts")
    .where("t", "==", `${"x".repeat(1500)}b`)
    .get();
  expect(found.size).toBe(1);
});

test("what is malformed is refused, and the next request is served", async () => {
  const database = databaseOf(client);
  const name = `${database}/documents/a/b`;
  const requests: [method: string, request: object][] = [
    ["Commit", { database: "nonsense", writes: [] }],
    ["Commit", { database, writes: [{}] }],
    ["Commit", { database, writes: [{ update: {} }] }],
    ["Commit", { database, writes: [{ update: { name: "projects/other/databases/x/documents/a/b" } }] }],
    ["Commit", { database, writes: [{ update: { name: `${database}/documents/a` } }] }],
    ["Commit", { database, writes: [{ update: { name, fields: { f: {} } } }] }],
    ["Commit", { database, writes: [{ update: { name }, updateMask: { fieldPaths: ["a..b"] } }] }],
    ["Commit", { database, writes: [{ update: { name }, updateTransforms: [{ fieldPath: "a" }] }] }],
    [
      "Commit",
      { database, writes: [{ update: { name }, updateTransforms: [{ fieldPath: "a", increment: {} }] }] },
    ],
    ["Commit", { database, writes: [{ transform: { document: name } }] }],
    ["Commit", { database, transaction: Buffer.from("unknown"), writes: [] }],
    ["Commit", { database, writes: [{ delete: name, currentDocument: { updateTime: { nanos: 1 } } }] }],
    ["BatchGetDocuments", { database, documents: ["x"] }],
    ["BatchGetDocuments", { database, documents: [name], readTime: { seconds: 99_999_999_999 } }],
    ["RunQuery", { parent: "" }],
    ["RunQuery", { parent: `${database}/documents` }],
    ["RunAggregationQuery", { parent: `${database}/documents` }],
    ["ListDocuments", { parent: `${database}/documents/a` }],
    ["ListDocuments", { parent: `${database}/documents`, collectionId: "a", pageSize: -1 }],
    ["ListCollectionIds", { parent: "x" }],
    [
      "PartitionQuery",
      { parent: `${database}/documents`, structuredQuery: { from: [{ collectionId: "a" }] } },
    ],
    ["CreateDocument", { parent: `${database}/documents`, collectionId: "a/b" }],
    ["UpdateDocument", {}],
    ["BeginTransaction", { database: "" }],
    ["Rollback", { database: "" }],
  ];
  for (const [method, request] of requests) {
    const context = `${method} ${JSON.stringify(request)}`;
    expect([context, await codeOf(firestore.call(method, request))]).toEqual([context, INVALID_ARGUMENT]);
  }
  expect((await client.doc("a/none").get()).exists).toBe(false);
});

test("pipelines are not served, and say so", async () => {
  const pipeline = firestore.call("ExecutePipeline", { database: databaseOf(client) });
  await expect(pipeline).rejects.toMatchObject({ code: UNIMPLEMENTED });
});
