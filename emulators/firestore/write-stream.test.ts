import { type Firestore, Timestamp } from "@google-cloud/firestore";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { Message } from "../kernel/rpc.ts";
import { databaseOf, type RawStream, startFirestore, type TestFirestore } from "./testing.ts";

let firestore: TestFirestore;
let client: Firestore;
let database: string;

beforeAll(async () => {
  firestore = await startFirestore();
});
beforeEach(() => {
  client = firestore.client();
  database = databaseOf(client);
});
afterAll(() => firestore.stop());

const INVALID_ARGUMENT = 3;
const ABORTED = 10;

/** Adds one to a document's field, which shows how often the write was applied. */
const addOne = (path: string): Message => ({
  transform: {
    document: `${database}/documents/${path}`,
    fieldTransforms: [{ fieldPath: "n", increment: { integerValue: 1 } }],
  },
});

async function opened(): Promise<{ stream: RawStream; hello: Message }> {
  const stream = firestore.open("Write");
  stream.send({ database });
  return { stream, hello: await stream.next() };
}

async function resumed(streamId: string, streamToken: Uint8Array): Promise<RawStream> {
  const stream = firestore.open("Write");
  stream.send({ database, streamId, streamToken });
  expect(await stream.next()).toMatchObject({ streamId, streamToken });
  return stream;
}

test("a stream resumes with the answers its client has not had", async () => {
  const { stream, hello } = await opened();
  stream.send({ streamToken: hello.streamToken, writes: [addOne("a/resumed")] });
  const first = await stream.next();
  stream.send({ streamToken: first.streamToken, writes: [addOne("a/resumed")] });
  const second = await stream.next();
  stream.end();
  const again = await resumed(hello.streamId, first.streamToken);
  expect(await again.next()).toEqual(second);
  again.send({ streamToken: second.streamToken, writes: [addOne("a/resumed")] });
  const third = await again.next();
  expect(third.writeResults[0].transformResults).toEqual([{ integerValue: "3" }]);
  const current = await resumed(hello.streamId, third.streamToken);
  current.send({ streamToken: third.streamToken, writes: [addOne("a/resumed")] });
  expect((await current.next()).writeResults[0].transformResults).toEqual([{ integerValue: "4" }]);
  await expect(again.next()).rejects.toMatchObject({ code: ABORTED });
  current.end();
});

test("a commit whose connection ended is made, and answered to who resumes", async () => {
  const { stream, hello } = await opened();
  const held = client.doc("a/held");
  const again = await client.runTransaction(async (transaction) => {
    await transaction.get(held);
    stream.send({ streamToken: hello.streamToken, writes: [addOne("a/held")] });
    stream.end();
    const other = await resumed(hello.streamId, hello.streamToken);
    transaction.set(held, { n: 10 });
    return other;
  });
  expect((await again.next()).writeResults[0].transformResults).toEqual([{ integerValue: "11" }]);
  again.end();
});

test("acknowledged answers, unknown streams and strange tokens are not resumed from", async () => {
  const { stream, hello } = await opened();
  stream.send({ streamToken: hello.streamToken, writes: [addOne("a/strange")] });
  const first = await stream.next();
  stream.send({ streamToken: first.streamToken, writes: [] });
  await stream.next();
  stream.end();
  const { streamId, streamToken } = hello;
  for (const request of [
    { streamId, streamToken },
    { streamId, streamToken: Buffer.from("odd") },
    { streamId: "unknown", streamToken },
  ]) {
    const other = firestore.open("Write");
    other.send({ database, ...request });
    await expect(other.next()).rejects.toMatchObject({ code: INVALID_ARGUMENT });
  }
});

test("a stream that nobody resumes in time is forgotten", async () => {
  const { stream, hello } = await opened();
  await stream.ended();
  firestore.kernel.clock.advance(61_000);
  const late = firestore.open("Write");
  late.send({ database, streamId: hello.streamId, streamToken: hello.streamToken });
  await expect(late.next()).rejects.toMatchObject({ code: INVALID_ARGUMENT });
});

test("the first message carries no writes, and an empty request is answered", async () => {
  const hasty = firestore.open("Write");
  hasty.send({ database, writes: [addOne("a/hasty")] });
  await expect(hasty.next()).rejects.toMatchObject({ code: INVALID_ARGUMENT });
  const { stream, hello } = await opened();
  stream.send({ streamToken: hello.streamToken });
  const { commitTime, writeResults } = await stream.next();
  expect(writeResults ?? []).toEqual([]);
  expect(Number(commitTime.seconds)).toBeLessThanOrEqual(Timestamp.now().seconds + 3_600);
  stream.end();
});
