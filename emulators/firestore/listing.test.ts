import { type Firestore, type Timestamp, type WriteResult } from "@google-cloud/firestore";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { Message } from "../kernel/rpc.ts";
import { databaseOf, startFirestore, type TestFirestore } from "./testing.ts";

let firestore: TestFirestore;
let client: Firestore;
let parent: string;

beforeAll(async () => {
  firestore = await startFirestore();
});
beforeEach(() => {
  client = firestore.client();
  parent = `${databaseOf(client)}/documents`;
});
afterAll(() => firestore.stop());

const timeOf = ({ seconds, nanoseconds }: Timestamp): Message => ({ seconds, nanos: nanoseconds });
const idsOf = (listed: readonly { name: string }[] = []): (string | undefined)[] =>
  listed.map(({ name }) => name.split("/").at(-1));

async function documents(request: Message): Promise<Message> {
  const [page] = await firestore.call("ListDocuments", { parent, collectionId: "a", ...request });
  return page;
}

test("listings of a past time show what was there then, also what has only others below it", async () => {
  await client.doc("a/kept").set({ n: 1 });
  await client.doc("a/gone").set({ n: 1 });
  await client.doc("a/parent/c/d").set({});
  const { writeTime } = await client.doc("b/x").set({});
  const readTime = timeOf(writeTime);
  await client.doc("a/kept").set({ n: 2 });
  await client.doc("a/gone").delete();
  await client.doc("a/parent/c/d").delete();
  await client.doc("a/later").set({});
  await client.doc("b/x").delete();
  expect(idsOf((await documents({ showMissing: true })).documents)).toEqual(["kept", "later"]);
  const past = await documents({ showMissing: true, readTime });
  expect(idsOf(past.documents)).toEqual(["gone", "kept", "parent"]);
  expect(past.documents[1].fields).toEqual({ n: { integerValue: "1" } });
  expect(past.documents[2]).not.toHaveProperty("createTime");
  expect(idsOf((await documents({ readTime })).documents)).toEqual(["gone", "kept"]);
  const first = await documents({ showMissing: true, readTime, pageSize: 1 });
  const { nextPageToken: pageToken } = first;
  const rest = await documents({ showMissing: true, readTime, pageToken });
  expect([...idsOf(first.documents), ...idsOf(rest.documents)]).toEqual(["gone", "kept", "parent"]);
  const collections = async (request: Message): Promise<string[]> =>
    (await firestore.call("ListCollectionIds", { parent, ...request }))[0].collectionIds;
  expect(await collections({})).toEqual(["a"]);
  expect(await collections({ readTime })).toEqual(["a", "b"]);
  expect(await collections({ parent: `${parent}/a/parent`, readTime })).toEqual(["c"]);
});

test("what a transaction lists is not changed by others before it ends", async () => {
  await client.doc("a/one").set({ n: 1 });
  const [{ transaction }] = await firestore.call("BeginTransaction", { database: databaseOf(client) });
  expect(idsOf((await documents({ transaction, showMissing: true })).documents)).toEqual(["one"]);
  const order: string[] = [];
  const write = (path: string): Promise<WriteResult> => client.doc(path).set({ n: 2 });
  const waiting = ["a/one", "a/two"].map((path) => write(path).then(() => order.push(path)));
  await write("b/elsewhere");
  expect(order).toEqual([]);
  await firestore.call("Rollback", { database: databaseOf(client), transaction });
  await Promise.all(waiting);
  expect(idsOf((await documents({})).documents)).toEqual(["one", "two"]);
});

test("a listing names its fields, its order and its pages", async () => {
  await Promise.all([1, 2, 3].map((n) => client.doc(`a/d${n}`).set({ n, text: "x" })));
  const page = await documents({ orderBy: "n desc", pageSize: 2, mask: { fieldPaths: ["n"] } });
  expect(idsOf(page.documents)).toEqual(["d3", "d2"]);
  expect(page.documents[0].fields).toEqual({ n: { integerValue: "3" } });
  await expect(documents({ orderBy: "n", showMissing: true })).rejects.toMatchObject({ code: 3 });
  await expect(documents({ pageSize: -1 })).rejects.toMatchObject({ code: 3 });
});
