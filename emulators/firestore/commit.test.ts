import { FieldPath, FieldValue, type Firestore, GeoPoint, Timestamp } from "@google-cloud/firestore";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { databaseOf, projectIdOf, startFirestore, type TestFirestore } from "./testing.ts";

/**
 * Each rule of a commit in a few lines, on one server that starts once: a long list that is read by name.
 */

let firestore: TestFirestore;
let client: Firestore;

beforeAll(async () => {
  firestore = await startFirestore();
});
beforeEach(() => {
  client = firestore.client();
});
afterAll(() => firestore.stop());

const ALREADY_EXISTS = 6;
const NOT_FOUND = 5;
const FAILED_PRECONDITION = 9;
const INVALID_ARGUMENT = 3;

describe("documents", () => {
  test("come back as they were written, every type", async () => {
    const data = {
      none: null,
      yes: true,
      integer: 42,
      double: 1.5,
      infinite: Number.NEGATIVE_INFINITY,
      time: new Timestamp(1_700_000_000, 123_456_000),
      text: "grüße \u{1f600}",
      bytes: Buffer.from([0, 255, 7]),
      reference: client.doc("a/b"),
      place: new GeoPoint(1.25, -3),
      list: [1, "two", { three: [3] }, null],
      map: { b: 1, a: { c: {} } },
      vector: FieldValue.vector([1, 2.5]),
      "odd name.`": 1,
    };
    const document = client.doc("all/types");
    await document.set(data);
    expect((await document.get()).data()).toEqual(data);
  });

  test("keep timestamps to the microsecond and drop the rest", async () => {
    const document = client.doc("all/times");
    await document.set({ at: new Timestamp(5, 123_456_789) });
    expect((await document.get()).get("at")).toEqual(new Timestamp(5, 123_456_000));
  });

  test("that do not exist are missing, with the time of reading", async () => {
    const snapshot = await client.doc("nothing/here").get();
    expect(snapshot.exists).toBe(false);
    expect(snapshot.readTime.toMillis()).toBeGreaterThan(0);
  });

  test("of another project or database are others", async () => {
    const other = firestore.client();
    const named = firestore.client({ databaseId: "second", projectId: projectIdOf(client) });
    await client.doc("a/b").set({ in: "first" });
    await named.doc("a/b").set({ in: "second" });
    expect((await other.doc("a/b").get()).exists).toBe(false);
    expect((await named.doc("a/b").get()).get("in")).toBe("second");
    expect((await client.doc("a/b").get()).get("in")).toBe("first");
  });

  test("refer to documents of their own database only", async () => {
    const elsewhere = firestore.client().doc("a/b");
    const code = (data: object): Promise<number | undefined> =>
      client
        .doc("a/b")
        .set(data)
        .then(
          () => undefined,
          (cause: { code: number }) => cause.code,
        );
    expect(await code({ ref: client.doc("x/missing") })).toBeUndefined();
    expect(await code({ ref: elsewhere })).toBe(3);
    expect(await code({ map: { list: [elsewhere] } })).toBe(3);
  });

  test("show only masked fields when asked", async () => {
    await client.doc("a/b").set({ one: 1, two: { three: 3, four: 4 } });
    const [snapshot] = await client.getAll(client.doc("a/b"), { fieldMask: ["two.four", "none"] });
    expect(snapshot?.data()).toEqual({ two: { four: 4 } });
  });
});

describe("preconditions", () => {
  test("creating what exists is refused and changes nothing", async () => {
    const document = client.doc("a/b");
    await document.create({ n: 1 });
    await expect(document.create({ n: 2 })).rejects.toMatchObject({
      code: ALREADY_EXISTS,
      message: expect.stringContaining(`Document already exists: projects/${projectIdOf(client)}`),
    });
    expect((await document.get()).data()).toEqual({ n: 1 });
  });

  test("updating what is missing is refused", async () => {
    await expect(client.doc("a/none").update({ n: 1 })).rejects.toMatchObject({ code: NOT_FOUND });
    await expect(client.doc("a/none").delete({ exists: true })).rejects.toMatchObject({ code: NOT_FOUND });
  });

  test("verify refuses the commit unless the document is as said, and writes nothing", async () => {
    const database = databaseOf(client);
    const nameOf = (path: string): string => `${database}/documents/${path}`;
    const { writeTime } = await client.doc("a/verified").set({ n: 1 });
    const updateTime = { seconds: writeTime.seconds, nanos: writeTime.nanoseconds };
    // The published protos lack `verify`, so the other side of REST is asked.
    const commit = async (currentDocument: object, path = "a/verified"): Promise<number> => {
      const response = await fetch(
        `http://127.0.0.1:${firestore.server.port}/v1/${database}/documents:commit`,
        {
          method: "POST",
          body: JSON.stringify({
            writes: [
              { verify: nameOf(path), currentDocument },
              { update: { name: nameOf("a/beside"), fields: {} } },
            ],
          }),
        },
      );
      return response.status;
    };
    expect(await commit({ updateTime: "2020-01-01T00:00:00Z" })).toBe(400);
    expect(await commit({ exists: true }, "a/missing")).toBe(404);
    expect((await client.doc("a/beside").get()).exists).toBe(false);
    const micros = String(updateTime.nanos / 1_000).padStart(6, "0");
    const time = new Date(updateTime.seconds * 1_000).toISOString().slice(0, 19);
    expect(await commit({ updateTime: `${time}.${micros}Z` })).toBe(200);
    expect((await client.doc("a/verified").get()).updateTime?.isEqual(writeTime)).toBe(true);
  });

  test("an update time that is not the last is refused, the last is accepted", async () => {
    const document = client.doc("a/b");
    const first = await document.set({ n: 1 });
    const second = await document.set({ n: 2 });
    const late = document.update({ n: 3 }, { lastUpdateTime: first.writeTime });
    await expect(late).rejects.toMatchObject({ code: FAILED_PRECONDITION });
    await document.update({ n: 4 }, { lastUpdateTime: second.writeTime });
    expect((await document.get()).get("n")).toBe(4);
  });

  test("one refused write takes the whole commit with it", async () => {
    await client.doc("a/exists").set({});
    const batch = client.batch();
    batch.set(client.doc("a/new"), {});
    batch.create(client.doc("a/exists"), {});
    await expect(batch.commit()).rejects.toMatchObject({ code: ALREADY_EXISTS });
    expect((await client.doc("a/new").get()).exists).toBe(false);
  });
});

describe("updates", () => {
  test("change the named fields and leave the others", async () => {
    const document = client.doc("a/b");
    await document.set({ keep: 1, map: { keep: 1, change: 1 }, gone: 1 });
    await document.update({ "map.change": 2, gone: FieldValue.delete(), "new.deep": 3 });
    expect((await document.get()).data()).toEqual({ keep: 1, map: { keep: 1, change: 2 }, new: { deep: 3 } });
  });

  test("merge into what is there, and create what is not", async () => {
    const document = client.doc("a/b");
    await document.set({ map: { one: 1 } }, { merge: true });
    await document.set({ map: { two: 2 } }, { merge: true });
    await document.set({ map: { one: 3, two: 3 }, other: 1 }, { mergeFields: [new FieldPath("map", "two")] });
    expect((await document.get()).data()).toEqual({ map: { one: 1, two: 3 } });
  });

  test("that change nothing keep the update time", async () => {
    const document = client.doc("a/b");
    const first = await document.set({ b: 1, a: { y: 1, x: 2 } });
    const again = await document.set({ a: { x: 2, y: 1 }, b: 1 });
    expect(again.writeTime).toEqual(first.writeTime);
    expect((await document.get()).updateTime).toEqual(first.writeTime);
  });

  test("keep the create time, which a deletion ends", async () => {
    const document = client.doc("a/b");
    await document.set({ n: 1 });
    const { createTime } = await document.get();
    await document.set({ n: 2 });
    expect((await document.get()).createTime).toEqual(createTime);
    await document.delete();
    await document.set({ n: 3 });
    expect((await document.get()).createTime?.valueOf()).not.toBe(createTime?.valueOf());
  });

  test("of one document twice in a commit apply in order", async () => {
    const batch = client.batch();
    const document = client.doc("a/b");
    batch.create(document, { n: 1 });
    batch.update(document, { n: FieldValue.increment(1) });
    await batch.commit();
    expect((await document.get()).data()).toEqual({ n: 2 });
  });

  test("commit at times that only grow", async () => {
    const times: number[] = [];
    const write = async (i: number): Promise<void> => {
      const { writeTime } = await client.doc(`t/${i}`).set({ i });
      times.push(writeTime.seconds * 1e6 + writeTime.nanoseconds / 1000);
    };
    await Promise.all(Array.from({ length: 20 }, (_, i) => write(i)));
    expect(new Set(times).size).toBe(20);
  });
});

describe("transforms", () => {
  const after = async (before: object, change: object): Promise<unknown> => {
    const document = client.doc("a/transformed");
    await document.set(before);
    await document.update(change);
    return (await document.get()).data();
  };

  test("server timestamps are the time of the commit, to the millisecond", async () => {
    const { writeTime } = await client.doc("a/b").set({ at: FieldValue.serverTimestamp() });
    const at: Timestamp = (await client.doc("a/b").get()).get("at");
    expect(at.nanoseconds % 1_000_000).toBe(0);
    expect(writeTime.toMillis() - at.toMillis()).toBe(0);
  });

  test("increments add, mix with doubles, replace other types and stop at the ends of int64", async () => {
    expect(await after({ n: 1 }, { n: FieldValue.increment(2) })).toEqual({ n: 3 });
    expect(await after({ n: 1 }, { n: FieldValue.increment(0.5) })).toEqual({ n: 1.5 });
    expect(await after({ n: "text" }, { n: FieldValue.increment(2) })).toEqual({ n: 2 });
    expect(await after({}, { "m.n": FieldValue.increment(2) })).toEqual({ m: { n: 2 } });
    const name = `${databaseOf(client)}/documents/a/big`;
    const commit = (update: object): Promise<unknown> =>
      firestore.call("Commit", { database: databaseOf(client), writes: [update] });
    await commit({ update: { name, fields: { n: { integerValue: "9223372036854775800" } } } });
    const updateTransforms = [{ fieldPath: "n", increment: { integerValue: "100" } }];
    await commit({ update: { name }, updateMask: {}, updateTransforms });
    const [response] = await firestore.call("GetDocument", { name });
    expect(response.fields.n.integerValue).toBe("9223372036854775807");
  });

  test("unions add what is missing, removals take all that are equal", async () => {
    const union = FieldValue.arrayUnion(2, 3, 3, { a: 1 });
    expect(await after({ l: [1, 2, { a: 1 }] }, { l: union })).toEqual({ l: [1, 2, { a: 1 }, 3] });
    expect(await after({ l: [1, 2, 1, 3] }, { l: FieldValue.arrayRemove(1, 3) })).toEqual({ l: [2] });
    expect(await after({ l: 5 }, { l: FieldValue.arrayUnion(1) })).toEqual({ l: [1] });
    expect(await after({}, { l: FieldValue.arrayRemove(1) })).toEqual({ l: [] });
  });

  test("maximum and minimum keep the stored value when both are equal", async () => {
    const database = databaseOf(client);
    const name = `${database}/documents/a/extremes`;
    await client.doc("a/extremes").set({ low: 3, high: 3, same: 3 });
    const updateTransforms = [
      { fieldPath: "low", minimum: { doubleValue: 2.5 } },
      { fieldPath: "high", maximum: { integerValue: 7 } },
      { fieldPath: "same", maximum: { doubleValue: 3 } },
    ];
    const writes = [{ update: { name }, updateMask: {}, updateTransforms }];
    const [response] = await firestore.call("Commit", { database, writes });
    expect(response.writeResults[0].transformResults).toEqual([
      { doubleValue: 2.5 },
      { integerValue: "7" },
      { integerValue: "3" },
    ]);
  });
});

describe("batch writes", () => {
  test("each write succeeds or fails by itself", async () => {
    const writer = client.bulkWriter();
    writer.onWriteError(() => false);
    await client.doc("bulk/exists").set({});
    const outcomes = await Promise.allSettled([
      (async () => writer.create(client.doc("bulk/new"), { n: 1 }))(),
      (async () => writer.create(client.doc("bulk/exists"), { n: 1 }))(),
      writer.close(),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect((await client.doc("bulk/new").get()).data()).toEqual({ n: 1 });
  });

  test("may not name a document twice", async () => {
    const database = databaseOf(client);
    const write = { update: { name: `${database}/documents/a/b` } };
    const batch = firestore.call("BatchWrite", { database, writes: [write, write] });
    await expect(batch).rejects.toMatchObject({ code: INVALID_ARGUMENT });
  });
});

describe("single-document calls", () => {
  test("create, update, get and delete, as the generated client makes them", async () => {
    const parent = `${databaseOf(client)}/documents`;
    const fields = { n: { integerValue: "1" } };
    const [created] = await firestore.call("CreateDocument", {
      parent,
      collectionId: "c",
      document: { fields },
    });
    expect(created.name).toMatch(new RegExp(`^${parent.replace(/[()]/g, "\\$&")}/c/[A-Za-z0-9]{20}$`));
    const document = { name: created.name, fields: { m: { stringValue: "x" } } };
    await firestore.call("UpdateDocument", { document, updateMask: { fieldPaths: ["m"] } });
    const [read] = await firestore.call("GetDocument", { name: created.name, mask: { fieldPaths: ["m"] } });
    expect(read.fields).toEqual({ m: { stringValue: "x" } });
    await firestore.call("DeleteDocument", { name: created.name });
    await expect(firestore.call("GetDocument", { name: created.name })).rejects.toMatchObject({
      code: NOT_FOUND,
    });
  });
});

test("writes and deletes are billed, failed commits are not", async () => {
  const { meter } = firestore.kernel;
  const batch = client.batch();
  batch.set(client.doc("a/b"), {});
  batch.delete(client.doc("a/none"));
  await batch.commit();
  await client
    .doc("a/b")
    .create({})
    .catch(() => undefined);
  expect(meter.read({ project: projectIdOf(client) }).billed).toEqual({ reads: 0, writes: 1, deletes: 1 });
});

test("the stream that web clients write by commits request by request, in order", async () => {
  const database = databaseOf(client);
  const name = `${database}/documents/a/streamed`;
  const stream = firestore.open("Write");
  stream.send({ database });
  const { streamId, streamToken } = await stream.next();
  expect(streamId).not.toBe("");
  const increment = { fieldPath: "n", increment: { integerValue: 1 } };
  stream.send({ streamToken, writes: [{ update: { name, fields: { n: { integerValue: 1 } } } }] });
  stream.send({ streamToken, writes: [{ update: { name }, updateMask: {}, updateTransforms: [increment] }] });
  await stream.next();
  const second = await stream.next();
  expect(second.writeResults[0].transformResults).toEqual([{ integerValue: "2" }]);
  const writes = [{ update: { name }, currentDocument: { exists: false } }];
  stream.send({ streamToken: second.streamToken, writes });
  await expect(stream.next()).rejects.toMatchObject({ code: ALREADY_EXISTS });
  stream.end();
});
