import { FieldPath, Filter, type Firestore, type Query } from "@google-cloud/firestore";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startFirestore, type TestFirestore } from "./testing.ts";

const COUNT = 6_000;
const DIVISORS = [2, 3, 5, 7, 59] as const;

let firestore: TestFirestore;
let client: Firestore;
let numbers: FirebaseFirestore.CollectionReference;
const name = (number: number): string => String(number).padStart(5, "0");

beforeAll(async () => {
  firestore = await startFirestore();
  client = firestore.client();
  numbers = client.collection("numbers");
  for (let from = 0; from < COUNT; from += 500) {
    const batch = client.batch();
    for (let number = from; number < from + 500; number += 1) {
      const divisors = DIVISORS.filter((divisor) => number % divisor === 0);
      const by = Object.fromEntries(divisors.map((divisor) => [`d${divisor}`, true]));
      batch.set(numbers.doc(name(number)), { by, half: number < COUNT / 2 ? "low" : "high" });
    }
    await batch.commit();
  }
});
afterAll(() => firestore.stop());

const divisible = (...divisors: readonly number[]): Filter =>
  Filter.and(...divisors.map((divisor) => Filter.where(new FieldPath("by", `d${divisor}`), "==", true)));
const idsOf = async (query: Query): Promise<string[]> => (await query.get()).docs.map(({ id }) => id);
const expected = (fits: (number: number) => boolean): string[] =>
  Array.from({ length: COUNT }, (_, number) => number)
    .filter(fits)
    .map(name);
const multiple = (of: number) => (number: number) => number % of === 0;

test("what has all keys is found, in order, however many there are and whichever list is sparse", async () => {
  expect(await idsOf(numbers.where(divisible(2, 3)))).toEqual(expected(multiple(6)));
  expect(await idsOf(numbers.where(divisible(59, 2, 3)))).toEqual(expected(multiple(354)));
  expect(await idsOf(numbers.where(divisible(2, 3, 5, 7, 59)))).toEqual([name(0)]);
  const byName = numbers.where(divisible(3, 2)).orderBy(FieldPath.documentId(), "desc");
  expect(await idsOf(byName)).toEqual(expected(multiple(6)).reverse());
});

test("limits and cursors cut it at the same places", async () => {
  const all = expected(multiple(10));
  const ascending = numbers.where(divisible(2, 5)).orderBy(FieldPath.documentId());
  expect(await idsOf(ascending.startAfter(name(100)).endAt(name(300)))).toEqual(all.slice(11, 31));
  expect(await idsOf(ascending.startAt(name(101)).limit(3))).toEqual(all.slice(11, 14));
  const descending = numbers.where(divisible(2, 5)).orderBy(FieldPath.documentId(), "desc");
  expect(await idsOf(descending.startAt(name(300)).endBefore(name(100)))).toEqual(
    all.slice(11, 31).reverse(),
  );
  expect(await idsOf(descending.startAfter(name(105)).limit(2))).toEqual([name(100), name(90)]);
  expect(await idsOf(ascending.startAt(name(COUNT)))).toEqual([]);
});

test("a key that nothing has ends it, and one that lies elsewhere finds nothing", async () => {
  expect(await idsOf(numbers.where(Filter.and(divisible(2), Filter.where("by.d11", "==", true))))).toEqual(
    [],
  );
  const high = numbers.where("half", "==", "high").where(divisible(59, 7));
  expect(await idsOf(high)).toEqual(expected((number) => number >= COUNT / 2 && number % 413 === 0));
});

test("joins are merged by or, each document once, and changes are seen at once", async () => {
  const either = numbers.where(Filter.or(divisible(59, 2), divisible(59, 3), divisible(59, 5)));
  const fits = (number: number): boolean => number % 59 === 0 && [2, 3, 5].some((d) => number % d === 0);
  expect(await idsOf(either)).toEqual(expected(fits));
  await numbers.doc(name(59)).update({ "by.d2": true });
  await numbers.doc(name(118)).update({ "by.d59": false });
  expect((await idsOf(either)).slice(0, 3)).toEqual([name(0), name(59), name(177)]);
});
