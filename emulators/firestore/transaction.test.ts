import type { DocumentSnapshot, Firestore, WriteResult } from "@google-cloud/firestore";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { Message } from "../kernel/rpc.ts";
import { databaseOf, startFirestore, type TestFirestore } from "./testing.ts";

let firestore: TestFirestore;
let client: Firestore;

beforeAll(async () => {
  firestore = await startFirestore();
});
beforeEach(() => {
  client = firestore.client();
});
afterAll(() => firestore.stop());

/** Times as text that sorts as they do. */
const timeOf = (snapshot: DocumentSnapshot): string => snapshot.updateTime?.valueOf() ?? "";

const OK = 0;
const ABORTED = 10;
const FAILED_PRECONDITION = 9;
const INVALID_ARGUMENT = 3;

test("fifty that increment one counter twenty times each end at exactly a thousand", async () => {
  const counter = client.doc("counters/one");
  await counter.set({ n: 0 });
  const increment = (): Promise<void> =>
    client.runTransaction(async (transaction) => {
      const snapshot = await transaction.get(counter);
      transaction.update(counter, { n: snapshot.get("n") + 1 });
    });
  await Promise.all(
    Array.from({ length: 50 }, async () => {
      for (let i = 0; i < 20; i += 1) await increment();
    }),
  );
  expect((await counter.get()).get("n")).toBe(1000);
});

test("twenty that take two documents in either order all get through in the attempts they have", async () => {
  const [left, right] = [client.doc("pair/left"), client.doc("pair/right")];
  await Promise.all([left.set({ n: 0 }), right.set({ n: 0 })]);
  const increment = (first: typeof left, second: typeof left): Promise<void> =>
    client.runTransaction(async (transaction) => {
      const one = await transaction.get(first);
      const other = await transaction.get(second);
      transaction.update(first, { n: one.get("n") + 1 });
      transaction.update(second, { n: other.get("n") + 1 });
    });
  await Promise.all(
    Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? increment(left, right) : increment(right, left))),
  );
  const snapshots = await client.getAll(left, right);
  expect(snapshots.map((snapshot) => snapshot.get("n"))).toEqual([20, 20]);
});

test("a document that was read is not written by others before the transaction ends", async () => {
  const document = client.doc("a/b");
  await document.set({ by: "nobody" });
  let outside: Promise<WriteResult> | undefined;
  await client.runTransaction(async (transaction) => {
    await transaction.get(document);
    outside = document.set({ by: "outside" });
    await client.doc("a/other").set({ by: "outside" });
    transaction.update(document, { by: "transaction" });
    transaction.set(client.doc("a/mark"), {});
  });
  const mark = await client.doc("a/mark").get();
  expect((await outside)?.writeTime.valueOf()).toSatisfy((time: string) => time > timeOf(mark));
  expect((await document.get()).get("by")).toBe("outside");
});

/** A transaction driven by hand, as no client would: several at once, each step when the test says. */
async function byHand(): Promise<{
  read(path: string): Promise<Message[]>;
  commit(path: string): Promise<number>;
  rollback(): Promise<Message[]>;
}> {
  const database = databaseOf(client);
  const nameOf = (path: string): string => `${database}/documents/${path}`;
  const [{ transaction }] = await firestore.call("BeginTransaction", { database });
  return {
    read: (path) => firestore.call("BatchGetDocuments", { database, documents: [nameOf(path)], transaction }),
    commit: (path) =>
      firestore.call("Commit", { database, transaction, writes: [{ update: { name: nameOf(path) } }] }).then(
        () => OK,
        (cause: { code: number }) => cause.code,
      ),
    rollback: () => firestore.call("Rollback", { database, transaction }),
  };
}

/** Resolves once everything the emulator was sent before has been taken up. */
const caughtUp = (): Promise<unknown> => client.doc("unrelated/document").get();

test("of two that write what both have read, the younger is aborted and the older goes on", async () => {
  const [older, younger] = [await byHand(), await byHand()];
  await older.read("a/both");
  await younger.read("a/both");
  const outcomes = [older.commit("a/both"), younger.commit("a/both")];
  expect(await Promise.all(outcomes)).toEqual([OK, ABORTED]);
});

test("of two that write each what the other has read, the younger is aborted", async () => {
  const [older, younger] = [await byHand(), await byHand()];
  await older.read("a/left");
  await younger.read("a/right");
  await older.read("a/right");
  await younger.read("a/left");
  const outcomes = [younger.commit("a/right"), older.commit("a/left")];
  expect(await Promise.all(outcomes)).toEqual([ABORTED, OK]);
});

test("a younger one waits to write what an older one has read until that ends", async () => {
  const [older, younger] = [await byHand(), await byHand()];
  await older.read("a/waited");
  await younger.read("a/waited");
  const order: string[] = [];
  const committed = younger.commit("a/waited").then((code) => order.push(`younger ${code}`));
  await caughtUp();
  firestore.kernel.clock.advance(5_000);
  await older.rollback();
  order.push("older ended");
  await committed;
  expect(order).toEqual(["older ended", "younger 0"]);
});

test("an older one that commits does not wait for long for younger ones that do nothing", async () => {
  const [older, younger] = [await byHand(), await byHand()];
  await older.read("a/idle");
  await younger.read("a/idle");
  const committed = older.commit("a/idle");
  await caughtUp();
  firestore.kernel.clock.advance(1_100);
  expect(await committed).toBe(OK);
  expect(await younger.commit("a/idle")).toBe(ABORTED);
});

test("a retried transaction keeps the age of its first attempt", async () => {
  const database = databaseOf(client);
  const documents = [`${database}/documents/a/retried`];
  const writes = [{ update: { name: documents[0] } }];
  const [{ transaction: first }] = await firestore.call("BeginTransaction", { database });
  await firestore.call("Rollback", { database, transaction: first });
  const rival = await byHand();
  await rival.read("a/retried");
  const options = { readWrite: { retryTransaction: first } };
  const [{ transaction }] = await firestore.call("BeginTransaction", { database, options });
  await firestore.call("BatchGetDocuments", { database, documents, transaction });
  const retried = firestore.call("Commit", { database, transaction, writes });
  expect(await rival.commit("a/retried")).toBe(ABORTED);
  await expect(retried).resolves.toHaveLength(1);
});

test("what a query would find is not added by others before the transaction ends", async () => {
  const rooms = client.collection("rooms");
  await rooms.doc("one").set({ floor: 1 });
  let phantom: Promise<unknown> = Promise.resolve();
  await client.runTransaction(async (transaction) => {
    const found = await transaction.get(rooms.where("floor", "==", 1));
    phantom = rooms.doc("two").set({ floor: 1 });
    await rooms.doc("elsewhere").set({ floor: 2 });
    transaction.set(client.doc("a/count"), { rooms: found.size });
  });
  await phantom;
  const counted = await client.doc("a/count").get();
  expect(counted.get("rooms")).toBe(1);
  expect(timeOf(await rooms.doc("two").get()) > timeOf(counted)).toBe(true);
});

test("a missing document that was read cannot be created by two", async () => {
  const name = client.doc("names/ada");
  const claim = (by: string): Promise<boolean> =>
    client.runTransaction(async (transaction) => {
      const taken = (await transaction.get(name)).exists;
      if (!taken) transaction.create(name, { by });
      return !taken;
    });
  const claims = await Promise.all(Array.from({ length: 8 }, (_, i) => claim(String(i))));
  expect(claims.filter(Boolean)).toHaveLength(1);
});

test("a throw rolls back and lets the documents go", async () => {
  const document = client.doc("a/b");
  await document.set({ n: 1 });
  const failing = client.runTransaction(async (transaction) => {
    await transaction.get(document);
    transaction.update(document, { n: 2 });
    throw new Error("no");
  });
  await expect(failing).rejects.toThrow("no");
  await document.update({ n: 3 });
  expect((await document.get()).get("n")).toBe(3);
});

test("a read-only one reads at one time, whatever is written meanwhile", async () => {
  const document = client.doc("a/b");
  const things = client.collection("things");
  await document.set({ n: 1 });
  await things.doc("x").set({ n: 1 });
  await things.doc("y").set({ n: 2 });
  const seen = await client.runTransaction(
    async (transaction) => {
      await transaction.get(client.doc("a/other"));
      await document.set({ n: 2 });
      await things.doc("x").set({ n: 3 });
      await things.doc("y").delete();
      await things.doc("z").set({ n: 0 });
      const single = await transaction.get(document);
      const query = await transaction.get(things.orderBy("n"));
      return [single.get("n"), query.docs.map((found) => [found.id, found.get("n")])];
    },
    { readOnly: true },
  );
  expect(seen).toEqual([
    1,
    [
      ["x", 1],
      ["y", 2],
    ],
  ]);
});

test("reads at a time in the past see what was there", async () => {
  const document = client.doc("a/b");
  const { writeTime } = await document.set({ n: 1 });
  await document.set({ n: 2 });
  await document.delete();
  const past = await client.runTransaction((transaction) => transaction.get(document), {
    readOnly: true,
    readTime: writeTime,
  });
  expect(past.data()).toEqual({ n: 1 });
  const readTime = { seconds: writeTime.seconds - 7200 };
  const tooOld = firestore.call("GetDocument", { name: `${databaseOf(client)}/documents/a/b`, readTime });
  await expect(tooOld).rejects.toMatchObject({ code: FAILED_PRECONDITION });
});

test("one that was left alone for a minute has expired and holds nothing", async () => {
  const database = databaseOf(client);
  const name = `${database}/documents/a/b`;
  const [begun] = await firestore.call("BatchGetDocuments", {
    database,
    documents: [name],
    newTransaction: { readWrite: {} },
  });
  const waiting = client.doc("a/b").set({ n: 1 });
  // The write has to be in line before the clock moves on.
  await client.doc("a/c").set({});
  firestore.kernel.clock.advance(61_000);
  const commit = firestore.call("Commit", { database, transaction: begun.transaction, writes: [] });
  await expect(commit).rejects.toMatchObject({
    code: INVALID_ARGUMENT,
    message: expect.stringMatching(/transaction has expired/),
  });
  await waiting.catch(() => undefined);
  await client.doc("a/b").set({ n: 2 });
});

test("a commit that waits too long for a document is aborted", async () => {
  const database = databaseOf(client);
  const name = `${database}/documents/a/held`;
  const [begun] = await firestore.call("BeginTransaction", { database });
  await firestore.call("BatchGetDocuments", { database, documents: [name], transaction: begun.transaction });
  const blocked = firestore.call("Commit", { database, writes: [{ update: { name } }] });
  const outcome = blocked.catch((cause: { code: number }) => cause.code);
  await client.doc("a/c").set({});
  firestore.kernel.clock.advance(21_000);
  expect(await outcome).toBe(ABORTED);
  await firestore.call("Rollback", { database, transaction: begun.transaction });
});

test("read-only transactions refuse writes", async () => {
  const database = databaseOf(client);
  const [begun] = await firestore.call("BeginTransaction", { database, options: { readOnly: {} } });
  const writes = [{ delete: `${database}/documents/a/b` }];
  const commit = firestore.call("Commit", { database, transaction: begun.transaction, writes });
  await expect(commit).rejects.toMatchObject({ code: INVALID_ARGUMENT });
});

test("an optimistic one waits for nobody and commits only if what it read is as it was", async () => {
  const database = databaseOf(client);
  const documents = [`${database}/documents/o/read`];
  const from = [{ collectionId: "o" }];
  const writes = [{ update: { name: `${database}/documents/o/written` } }];
  const begin = async (): Promise<unknown> => {
    const options = { readWrite: { concurrencyMode: "OPTIMISTIC" } };
    return (await firestore.call("BeginTransaction", { database, options }))[0].transaction;
  };
  const read = (transaction: unknown): Promise<Message[]> =>
    firestore.call("BatchGetDocuments", { database, documents, transaction });
  const search = (transaction: unknown): Promise<Message[]> =>
    firestore.call("RunQuery", { parent: `${database}/documents`, structuredQuery: { from }, transaction });
  const commit = (transaction: unknown): Promise<number> =>
    firestore.call("Commit", { database, transaction, writes }).then(
      () => OK,
      (cause: { code: number }) => cause.code,
    );
  const [reader, rival, searcher, lucky] = [await begin(), await begin(), await begin(), await begin()];
  await Promise.all([read(reader), read(rival), search(searcher), read(lucky)]);
  expect(await commit(lucky)).toBe(OK);
  expect(await commit(searcher)).toBe(ABORTED);
  await client.doc("o/read").set({ n: 1 });
  expect((await read(rival))[0]).toHaveProperty("missing");
  expect([await commit(reader), await commit(rival)]).toEqual([ABORTED, ABORTED]);
  const again = await begin();
  await Promise.all([read(again), search(again)]);
  await client.doc("elsewhere/one").set({ n: 1 });
  expect(await commit(again)).toBe(OK);
});
