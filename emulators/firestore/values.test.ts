import {
  FieldPath,
  FieldValue,
  type Firestore,
  GeoPoint,
  type QuerySnapshot,
  Timestamp,
} from "@google-cloud/firestore";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { startFirestore, type TestFirestore } from "./testing.ts";

let firestore: TestFirestore;
let client: Firestore;

beforeAll(async () => {
  firestore = await startFirestore();
});
beforeEach(() => {
  client = firestore.client({ useBigInt: true });
});
afterAll(() => firestore.stop());

const ids = ({ docs }: QuerySnapshot): string[] => docs.map(({ id }) => id);

/** One value of each kind and more, in Firestore's order; those in one list are equal. */
function sortedValues(): unknown[][] {
  const reference = (path: string): unknown => client.doc(path);
  return [
    [null],
    [false],
    [true],
    [Number.NaN],
    [Number.NEGATIVE_INFINITY],
    [-9_223_372_036_854_775_808n, -(2 ** 63)],
    [-1.5],
    [-1n, -1],
    [-Number.MIN_VALUE],
    [0n, 0, -0],
    [Number.MIN_VALUE],
    [1n],
    [1.000000001],
    [9_007_199_254_740_992n, 2 ** 53],
    [9_007_199_254_740_993n],
    [9_223_372_036_854_775_807n],
    [2 ** 63],
    [Number.POSITIVE_INFINITY],
    [new Timestamp(5, 1_000)],
    [new Timestamp(5, 2_000), new Timestamp(5, 2_999)],
    [new Timestamp(9, 999_999_000)],
    [""],
    ["\u0000"],
    ["Z"],
    ["a"],
    ["a\u0000"],
    ["aa"],
    ["é"],
    ["\uFFFD"],
    ["😀"],
    [Buffer.from([])],
    [Buffer.from([0])],
    [Buffer.from([0, 1])],
    [Buffer.from([255])],
    [reference("a/b")],
    [reference("a/b/c/d")],
    [reference("a/c")],
    [new GeoPoint(-90, 180)],
    [new GeoPoint(0, -1)],
    [new GeoPoint(0, 0)],
    [[]],
    [[1, 2]],
    [[1, "a"]],
    [[2]],
    [FieldValue.vector([9])],
    [FieldValue.vector([1, 2])],
    [FieldValue.vector([1, 3])],
    [{}],
    [{ a: 1 }],
    [{ a: 1, b: 0 }],
    [{ a: 2 }],
    [{ b: 0 }],
  ];
}

test("values of all types have one order, in queries either way, for listeners and between cursors", async () => {
  const mixed = client.collection("mixed");
  const groups = sortedValues().map((values, i) =>
    values.map((value, j) => ({ id: `${String(i).padStart(2, "0")}-${j}`, value })),
  );
  const all = groups.flat();
  const batch = client.batch();
  for (const { id, value } of [...all].reverse()) batch.set(mixed.doc(id), { value });
  await batch.commit();
  const expected = all.map(({ id }) => id);
  const byValue = mixed.orderBy("value");
  expect(ids(await byValue.get())).toEqual(expected);
  expect(ids(await mixed.orderBy("value", "desc").get())).toEqual([...expected].reverse());
  const listened = await new Promise<QuerySnapshot>((resolve, reject) => {
    const stop = byValue.onSnapshot((snapshot) => {
      stop();
      resolve(snapshot);
    }, reject);
  });
  expect(ids(listened)).toEqual(expected);
  for (const group of groups) {
    const found = await byValue.startAt(group[0]?.value).endAt(group[0]?.value).get();
    expect(ids(found)).toEqual(group.map(({ id }) => id));
  }
});

test("equality finds all that are equal, comparisons what is of the same type", async () => {
  const numbers = client.collection("numbers");
  const values = { integer: 1n, double: 1, more: 1.5, text: "1", flag: true, list: [1n] };
  await Promise.all(Object.entries(values).map(([id, value]) => numbers.doc(id).set({ value })));
  const found = async (op: FirebaseFirestore.WhereFilterOp, value: unknown): Promise<string[]> =>
    ids(await numbers.where("value", op, value).get());
  expect(await found("==", 1)).toEqual(["double", "integer"]);
  expect(await found("==", [1])).toEqual(["list"]);
  expect(await found(">", 0)).toEqual(["double", "integer", "more"]);
  expect(await found("<=", "9")).toEqual(["text"]);
  expect(await found("!=", 1n)).toEqual(["flag", "more", "text", "list"]);
  expect(await found("in", [1, "1", [1n]])).toEqual(["double", "integer", "list", "text"].sort());
});

test("timestamps are kept and found to the microsecond, from the year 1 to the year 9999", async () => {
  const times = client.collection("times");
  const first = new Timestamp(-62_135_596_800, 0);
  const last = new Timestamp(253_402_300_799, 999_999_000);
  const near = new Timestamp(1_700_000_000, 123_456_000);
  await Promise.all([first, last, near].map((at, i) => times.doc(`d${i}`).set({ at })));
  await times.doc("finer").set({ at: new Timestamp(1_700_000_000, 123_456_789) });
  expect(ids(await times.orderBy("at").get())).toEqual(["d0", "d2", "finer", "d1"]);
  expect(ids(await times.where("at", "==", near).get())).toEqual(["d2", "finer"]);
  expect(ids(await times.where("at", ">", new Timestamp(1_700_000_000, 123_455_000)).get())).toEqual([
    "d2",
    "finer",
    "d1",
  ]);
  expect((await times.doc("finer").get()).get("at")).toEqual(near);
});

test("fields of any name are written, changed, found and shown by quoted paths", async () => {
  const document = client.doc("odd/one");
  const names = ["a.b", "a`b", "a\\b", "1a", "a b", "é", "*", "-", "[x]", "a/b", "~"];
  const nested = Object.fromEntries(names.map((name) => [name, { [name]: 1n }]));
  await document.set({ nested, kept: true });
  for (const name of names) {
    const path = new FieldPath("nested", name, name);
    await document.update(path, 2n);
    const odd = client.collection("odd");
    const found = await odd.where(path, "==", 2n).orderBy(path).select(path).get();
    expect(found.docs.map((one) => one.data())).toEqual([{ nested: { [name]: { [name]: 2n } } }]);
    const snapshots = await client.getAll(document, { fieldMask: [path] });
    expect(snapshots[0]?.data()).toEqual({ nested: { [name]: { [name]: 2n } } });
    await document.update(path, FieldValue.delete());
    expect((await document.get()).get(new FieldPath("nested", name))).toEqual({});
  }
  expect((await document.get()).get("kept")).toBe(true);
});
