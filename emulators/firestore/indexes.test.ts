import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  FieldValue,
  type Firestore,
  type Query,
  type QuerySnapshot,
  Timestamp,
} from "@google-cloud/firestore";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import type { IndexFile } from "./index-file.ts";
import { databaseOf, projectIdOf, startFirestore, type TestFirestore } from "./testing.ts";

const indexes: IndexFile = {
  indexes: [
    {
      collectionGroup: "messages",
      queryScope: "COLLECTION",
      fields: [
        { fieldPath: "branch", order: "ASCENDING" },
        { fieldPath: "number", order: "DESCENDING" },
      ],
    },
    {
      collectionGroup: "messages",
      queryScope: "COLLECTION",
      fields: [
        { fieldPath: "sender", order: "ASCENDING" },
        { fieldPath: "number", order: "DESCENDING" },
      ],
    },
    {
      collectionGroup: "search",
      queryScope: "COLLECTION",
      fields: [
        { fieldPath: "grams", arrayConfig: "CONTAINS" },
        { fieldPath: "at", order: "DESCENDING" },
      ],
    },
    {
      collectionGroup: "jobs",
      queryScope: "COLLECTION_GROUP",
      fields: [
        { fieldPath: "state", order: "ASCENDING" },
        { fieldPath: "at", order: "ASCENDING" },
      ],
    },
  ],
  fieldOverrides: [
    { collectionGroup: "messages", fieldPath: "text", indexes: [] },
    {
      collectionGroup: "jobs",
      fieldPath: "at",
      indexes: [{ order: "ASCENDING", queryScope: "COLLECTION_GROUP" }],
    },
    { collectionGroup: "limits", fieldPath: "expireAt", ttl: true, indexes: [] },
    { collectionGroup: "tickets", fieldPath: "expireAt", ttl: true, indexes: [] },
  ],
};

let firestore: TestFirestore;
let client: Firestore;

beforeAll(async () => {
  firestore = await startFirestore({ indexes });
  client = firestore.client();
  const batch = client.batch();
  for (let i = 0; i < 10; i += 1) {
    const message = {
      branch: i % 2 ? "b" : "a",
      sender: i % 3 ? "ada" : "bob",
      number: i,
      text: `text ${i}`,
    };
    batch.set(client.doc(`messages/m${i}`), message);
    batch.set(client.doc(`search/s${i}`), { grams: ["abc", `g${i % 2}`], at: i, chat: i % 3 });
    batch.set(client.doc(`apps/${i % 2}/jobs/j${i}`), { state: i % 2 ? "done" : "open", at: i });
  }
  await batch.commit();
});
afterAll(() => firestore.stop());

const FAILED_PRECONDITION = 9;
const ids = async (query: Query): Promise<string[]> => (await query.get()).docs.map(({ id }) => id);

test("composite indexes serve their order and its reverse", async () => {
  const messages = client.collection("messages").where("branch", "==", "a");
  expect(await ids(messages.orderBy("number", "desc").limit(2))).toEqual(["m8", "m6"]);
  expect(await ids(messages.orderBy("number").limit(2))).toEqual(["m0", "m2"]);
  expect(await ids(messages.where("number", ">", 4))).toEqual(["m6", "m8"]);
  const found = client
    .collection("search")
    .where("grams", "array-contains", "g1")
    .orderBy("at", "desc")
    .limit(2);
  expect(await ids(found)).toEqual(["s9", "s7"]);
});

test("indexes with the same order are joined, as are equalities", async () => {
  const messages = client.collection("messages").where("branch", "==", "a").where("sender", "==", "ada");
  expect(await ids(messages.orderBy("number", "desc"))).toEqual(["m8", "m4", "m2"]);
  expect(await ids(messages)).toEqual(["m2", "m4", "m8"]);
  const found = client.collection("search").where("grams", "array-contains", "abc").where("chat", "==", 1);
  expect(await ids(found)).toEqual(["s1", "s4", "s7"]);
});

test("collection groups are searched by the indexes made for them", async () => {
  const jobs = client.collectionGroup("jobs");
  expect(await ids(jobs.where("state", "==", "open").orderBy("at").limit(2))).toEqual(["j0", "j2"]);
  expect(await ids(jobs.where("at", ">=", 8))).toEqual(["j8", "j9"]);
});

test("a query without its index is refused, and the index is named", async () => {
  const parent = `${databaseOf(client)}/documents`;
  const field = (fieldPath: string): object => ({ fieldPath });
  const equal = (path: string): object => ({
    fieldFilter: { field: field(path), op: "EQUAL", value: { integerValue: 1 } },
  });
  const from = (collectionId: string, allDescendants = false): object[] => [{ collectionId, allDescendants }];
  const refused: [query: object, named: RegExp][] = [
    [
      { from: from("messages"), where: equal("color"), orderBy: [{ field: field("number") }] },
      /color.*number/,
    ],
    [
      {
        from: from("messages"),
        orderBy: [{ field: field("a") }, { field: field("b"), direction: "DESCENDING" }],
      },
      /a ASC.*b DESC/,
    ],
    [{ from: from("messages"), where: equal("text") }, /text/],
    [{ from: from("jobs", true), where: equal("state") }, /COLLECTION_GROUP_ASC.*jobs.*state/],
  ];
  for (const [structuredQuery, named] of refused) {
    const outcome = firestore.call("RunQuery", { parent, structuredQuery });
    await expect(outcome).rejects.toMatchObject({
      code: FAILED_PRECONDITION,
      message: expect.stringMatching(named),
    });
    await expect(outcome).rejects.toThrow(/The query requires an index/);
  }
});

test("documents expire at the time their field says, once the sweeper comes by", async () => {
  const at = firestore.kernel.clock.now();
  await client.doc("limits/short").set({ expireAt: Timestamp.fromMillis(at + 90_000) });
  await client.doc("limits/long").set({ expireAt: Timestamp.fromMillis(at + 9_000_000) });
  await client.doc("limits/never").set({ expireAt: "not a time" });
  const gone = new Promise<void>((resolve) => {
    const stop = client.doc("limits/short").onSnapshot((snapshot) => {
      if (snapshot.exists) {
        firestore.kernel.clock.advance(100_000);
        return;
      }
      stop();
      resolve();
    });
  });
  await gone;
  expect(await ids(client.collection("limits"))).toEqual(["long", "never"]);
});

test("what a transaction holds keeps no other document from being swept, and goes once it is free", async () => {
  const own = await startFirestore({ indexes });
  onTestFinished(() => own[Symbol.asyncDispose]());
  const { clock } = own.kernel;
  const at = clock.now();
  const owner = own.client();
  const [held, other] = [owner.doc("limits/held"), owner.doc("tickets/other")];
  for (const each of [held, other]) await each.set({ expireAt: Timestamp.fromMillis(at + 45_000) });
  clock.advance(40_000);
  await owner.runTransaction(async (transaction) => {
    await transaction.get(held);
    // The sweep of the first minute begins, and the transaction is neither idle nor over for long.
    clock.advance(25_000);
    await expect.poll(async () => (await other.get()).exists, { timeout: 10_000 }).toBe(false);
    expect((await held.get()).exists).toBe(true);
  });
  await expect.poll(async () => (await held.get()).exists).toBe(false);
});

test("indexes that a new index file brings are made for the documents there are", async () => {
  const folder = mkdtempSync(join(tmpdir(), "firestore-"));
  const path = join(folder, "firestore.sqlite");
  const without: IndexFile = { indexes: [], fieldOverrides: [] };
  await using before = await startFirestore({ path, indexes: without });
  const writer = before.client();
  for (const n of [1, 2, 3])
    await writer.doc(`jobs/j${n}`).set({ state: "open", at: -n, tags: FieldValue.delete() }, { merge: true });
  await before.stop();
  const more: IndexFile = {
    indexes: [
      {
        collectionGroup: "jobs",
        fields: [
          { fieldPath: "state", order: "ASCENDING" },
          { fieldPath: "at", order: "ASCENDING" },
        ],
      },
    ],
  };
  await using after = await startFirestore({ path, indexes: more });
  const reader = after.client({ projectId: projectIdOf(writer) });
  expect(await ids(reader.collection("jobs").where("state", "==", "open").orderBy("at"))).toEqual([
    "j3",
    "j2",
    "j1",
  ]);
  await after.stop();
  rmSync(folder, { recursive: true });
});

test("the index file is that of one project; for others, missing indexes of groups it does not name are made", async () => {
  await using own = await startFirestore({ indexes, project: "ours" });
  const [ours, theirs] = [own.client({ projectId: "ours" }), own.client({ projectId: "theirs" })];
  const queryOf = (database: Firestore, group: string): Promise<unknown> =>
    database.collectionGroup(group).where("x", "==", 1).orderBy("y", "desc").get();
  await theirs.doc("a/b/strange/one").set({ x: 1, y: 1 });
  const found = (await queryOf(theirs, "strange")) as QuerySnapshot;
  expect(found.docs.map(({ id }) => id)).toEqual(["one"]);
  const structuredQuery = (collectionId: string): object => ({
    from: [{ collectionId }],
    where: { fieldFilter: { field: { fieldPath: "x" }, op: "EQUAL", value: { integerValue: 1 } } },
    orderBy: [{ field: { fieldPath: "y" }, direction: "DESCENDING" }],
  });
  const refused = (project: string, collectionId: string): Promise<unknown> =>
    own.call("RunQuery", {
      parent: `projects/${project}/databases/(default)/documents`,
      structuredQuery: structuredQuery(collectionId),
    });
  await expect(refused("ours", "strange")).rejects.toMatchObject({ code: FAILED_PRECONDITION });
  await expect(refused("theirs", "messages")).rejects.toMatchObject({ code: FAILED_PRECONDITION });
  await ours.doc("strange/two").set({ x: 1, y: 1 });
  await expect(refused("theirs", "strange")).resolves.toHaveLength(1);
});

test("indexes that were made beside an index file are kept up over restarts", async () => {
  const folder = mkdtempSync(join(tmpdir(), "firestore-made-"));
  const options = { indexes, project: "ours", path: join(folder, "made.sqlite") };
  const query = (database: Firestore): Query =>
    database.collection("strange").where("x", "==", 1).orderBy("y").orderBy("z", "desc");
  const write = (database: Firestore, id: string, y: number): Promise<unknown> =>
    database.doc(`strange/${id}`).set({ x: 1, y, z: 1 });
  try {
    const seen: string[][] = [];
    for (const step of [1, 2, 3]) {
      await using run = await startFirestore(options);
      const theirs = run.client({ projectId: "theirs" });
      await write(theirs, `d${step}`, 10 - step);
      await write(theirs, "moved", step * 4);
      // The second run writes only: its changes have to be in the index that the third one uses.
      if (step !== 2) seen.push(await ids(query(theirs)));
    }
    expect(seen).toEqual([
      ["moved", "d1"],
      ["d3", "d2", "d1", "moved"],
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
