import { beforeAll, expect, test } from "vitest";
import { seededRandom } from "../testing/seeded-random.ts";
import { useSystem } from "../testing/use-system.ts";
import { runInContext } from "./context.ts";
import { toAppError } from "./errors.ts";
import { type DocumentReference, openFirestore, readDocument, readDocuments } from "./firestore.ts";
import { CALLS_PER_CHANNEL_MAX, CHANNELS_MAX } from "./firestore-channels.ts";
import { decodeBatchGetAnswer } from "./firestore-wire.ts";
import { Timestamp } from "./firestore-values.ts";
import { READ_MS_MAX } from "./within.ts";

const system = useSystem();
const ref = (name: string): DocumentReference => system.deps.firestore.doc(`read/${name}`);
beforeAll(async () => {
  // The first call of Google's client opens the connections.
  await ref("first").set({ here: true });
});

const random = seededRandom(5);
const below = (count: number): number => Math.floor(random() * count);
const TEXTS = [
  "",
  "a",
  "short text",
  "sixteen letters.",
  "seventeen letters",
  "zwölf Boxkämpfer",
  "日本語 🎈🎈",
];
const NUMBERS = [0, -0, 1, -1, 127, 128, 2 ** 28, -(2 ** 28), 2 ** 31, 2 ** 53 - 1, -(2 ** 53) + 1];
const DOUBLES = [0.5, -1e300, 5e-324, Number.NaN, Infinity, -Infinity, 2 ** 60, -(2 ** 62)];
const KEYS = [
  "a",
  "two words",
  "mit.Punkt",
  "ключ",
  "`quoted`",
  "constructor",
  "a name of over sixteen letters",
];

const pick = <T>(list: readonly T[]): T => list[below(list.length)] as T;

/** A value of any kind that is stored here, nested up to a depth. */
function anyValue(depth: number, inArray = false): unknown {
  const kinds: (() => unknown)[] = [
    () => null,
    () => random() < 0.5,
    () => pick(NUMBERS),
    () => below(2 ** 40) * (random() < 0.5 ? -1 : 1),
    () => pick(DOUBLES),
    () => pick(TEXTS).repeat(1 + below(40)),
    () => new Timestamp(below(2 ** 33) - 2 ** 32, below(1_000_000) * 1_000),
    () => Buffer.from(Array.from({ length: below(300) }, () => below(256))),
    () => (depth === 0 ? {} : anyMap(depth - 1)),
    // Firestore takes no arrays in arrays.
    () => (depth === 0 || inArray ? {} : Array.from({ length: below(5) }, () => anyValue(depth - 1, true))),
  ];
  return pick(kinds)();
}

const anyMap = (depth: number): Record<string, unknown> =>
  Object.fromEntries(Array.from({ length: below(7) }, () => [pick(KEYS), anyValue(depth)]));

test("documents of any values are read as Google's client reads them", async () => {
  const refs = Array.from({ length: 200 }, (_, index) => ref(`any-${index}`));
  const batch = system.deps.firestore.batch();
  for (const each of refs.slice(0, -20)) batch.set(each, anyMap(4));
  await batch.commit();
  const [theirs, ours] = await Promise.all([system.deps.firestore.getAll(...refs), readDocuments(refs)]);
  for (const [index, found] of ours.entries()) {
    const expected = theirs[index];
    expect(found.data()).toEqual(expected?.data());
    expect(found.ref.path).toBe(expected?.ref.path);
    expect([found.id, found.exists]).toEqual([expected?.id, expected?.exists]);
    expect(found.updateTime).toEqual(expected?.updateTime);
    expect(found.readTime.toMillis()).toBeGreaterThan(0);
  }
  expect(ours.filter(({ exists }) => !exists)).toHaveLength(20);
});

test("a field is found by its name and by the names on the way to it", async () => {
  await ref("fields").set({ a: { b: { c: 1 } }, none: null });
  const found = await readDocument(ref("fields"));
  expect(found.get("a.b.c")).toBe(1);
  expect(["none", "none.a", "b", "constructor", "a.toString"].map((name) => found.get(name))).toEqual([
    null,
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
  expect((await readDocument(ref("nowhere"))).get("a")).toBeUndefined();
});

test("one document may be asked for twice, and no document costs no call", async () => {
  const cost = await system.meter(async () => {
    const found = await readDocuments([ref("first"), ref("nowhere"), ref("first")]);
    expect(found.map(({ id, exists }) => [id, exists])).toEqual([
      ["first", true],
      ["nowhere", false],
      ["first", true],
    ]);
    expect(await readDocuments([])).toEqual([]);
  });
  expect(cost.rpcs).toEqual({ "firestore.BatchGetDocuments": 1 });
  expect(cost.billed.reads).toBe(2);
});

test("a call carries the request's id", async () => {
  const requestId = `reads-${system.project}`;
  const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
  await runInContext({ requestId, traceparent }, () => readDocument(ref("first")));
  const { meter } = system.suite.kernel;
  expect(meter.read({ requestId }).rpcs).toEqual({ "firestore.BatchGetDocuments": 1 });
});

test("more calls at once than connections carry are answered all", async () => {
  const count = CALLS_PER_CHANNEL_MAX * 2 + 50;
  expect(count).toBeLessThan(CALLS_PER_CHANNEL_MAX * CHANNELS_MAX);
  const found = await Promise.all(Array.from({ length: count }, () => readDocument(ref("first"))));
  expect(found.every(({ exists }) => exists)).toBe(true);
});

const failing = (code: string, count: number, kind: "before" | "hang" = "before"): void =>
  system.fault({ service: "firestore", method: "BatchGetDocuments", kind, code, count });

test("a read is made again when Firestore is not available for a moment", async () => {
  for (const code of ["UNAVAILABLE", "INTERNAL"]) {
    failing(code, 1);
    const cost = await system.meter(async () => expect((await readDocument(ref("first"))).exists).toBe(true));
    expect(cost.rpcs).toEqual({ "firestore.BatchGetDocuments": 2 });
  }
});

test("other failures keep their codes and are not tried again", async () => {
  for (const [code, number] of [
    ["PERMISSION_DENIED", 7],
    ["RESOURCE_EXHAUSTED", 8],
    ["ABORTED", 10],
  ] as const) {
    failing(code, 1);
    const cost = await system.meter(() =>
      expect(readDocument(ref("first"))).rejects.toMatchObject({ name: "CallError", code: number }),
    );
    expect(cost.rpcs).toEqual({ "firestore.BatchGetDocuments": 1 });
  }
});

test("who is not answered hears that Firestore is not available, in time", { timeout: 60_000 }, async () => {
  failing("UNAVAILABLE", 10, "hang");
  const startedMs = performance.now();
  const cause: unknown = await readDocument(ref("first")).catch((thrown: unknown) => thrown);
  system.clearFaults();
  expect(toAppError(cause).code).toBe("unavailable");
  expect(performance.now() - startedMs).toBeGreaterThan(READ_MS_MAX - 100);
});

test("a client that has been closed reads nothing any more", async () => {
  const firestore = openFirestore(system.deps.config);
  await firestore.doc("read/first").get();
  expect((await readDocument(firestore.doc("read/first"))).exists).toBe(true);
  await firestore.terminate();
  await expect(readDocument(firestore.doc("read/first"))).rejects.toMatchObject({
    message: "1 CANCELLED: The client has been closed.",
  });
});

test("what is no answer is not taken for one", () => {
  // A text that goes on beyond the end, and a number without one.
  expect(() => decodeBatchGetAnswer(Buffer.from([0x12, 0x05, 0x61]))).toThrow("ends too early");
  expect(() => decodeBatchGetAnswer(Buffer.from([0x80]))).toThrow("ends too early");
  // A document with a reference, which nothing is stored as.
  const reference = Buffer.from("0a0a12080a016112032a0162", "hex");
  expect(() => decodeBatchGetAnswer(reference)).toThrow("nothing is stored as");
});
