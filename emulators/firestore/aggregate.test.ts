import { AggregateField, FieldValue, type Firestore, Timestamp } from "@google-cloud/firestore";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Message } from "../kernel/rpc.ts";
import { databaseOf, projectIdOf, startFirestore, type TestFirestore } from "./testing.ts";

let firestore: TestFirestore;
let client: Firestore;

beforeAll(async () => {
  firestore = await startFirestore();
});
beforeEach(() => {
  client = firestore.client();
});
afterAll(() => firestore.stop());

const figures = {
  count: AggregateField.count(),
  sum: AggregateField.sum("n"),
  average: AggregateField.average("n"),
};

describe("aggregations", () => {
  test("look at what limit, offset, cursors and orders leave", async () => {
    const numbers = client.collection("numbers");
    await Promise.all([1, 2, 3, 4, 5].map((n) => numbers.doc(`d${n}`).set({ n })));
    await numbers.doc("without").set({ text: "x" });
    const of = async (query: FirebaseFirestore.Query): Promise<object> =>
      (await query.aggregate(figures).get()).data();
    expect(await of(numbers)).toEqual({ count: 5, sum: 15, average: 3 });
    expect(await of(numbers.orderBy("n").limit(2))).toEqual({ count: 2, sum: 3, average: 1.5 });
    expect(await of(numbers.orderBy("n").limitToLast(2))).toEqual({ count: 2, sum: 9, average: 4.5 });
    expect(await of(numbers.orderBy("n").offset(4))).toEqual({ count: 1, sum: 5, average: 5 });
    expect(await of(numbers.orderBy("n").startAfter(2))).toEqual({ count: 3, sum: 12, average: 4 });
    expect(await of(numbers.where("n", ">", 9))).toEqual({ count: 0, sum: 0, average: null });
    expect((await numbers.count().get()).data()).toEqual({ count: 6 });
  });

  test("look at documents that have all the fields, and a limit goes by these fields", async () => {
    const books = client.collection("books");
    await books.doc("a").set({ pages: 300, year: 1980 });
    await books.doc("b").set({ pages: 100, year: 2020 });
    await books.doc("c").set({ pages: 200, year: 2021 });
    await books.doc("d").set({ pages: 50 });
    const sums = { pages: AggregateField.sum("pages"), year: AggregateField.average("year") };
    const count = AggregateField.count();
    const all = await books.aggregate({ ...sums, count }).get();
    expect(all.data()).toEqual({ pages: 600, year: 2007, count: 3 });
    expect((await books.aggregate({ count, pages: sums.pages }).get()).data()).toEqual({
      count: 4,
      pages: 650,
    });
    const least = await books.limit(2).aggregate({ pages: sums.pages }).get();
    expect(least.data()).toEqual({ pages: 150 });
    const after = books.orderBy("pages").startAfter(await books.doc("d").get());
    expect((await after.aggregate({ ...sums, count }).get()).data()).toEqual({
      pages: 600,
      year: 2007,
      count: 3,
    });
  });

  test("sum doubles to what they are together, however large they are alone", async () => {
    const large = client.collection("large");
    const most = Number.MAX_VALUE;
    const total = async (...values: number[]): Promise<object> => {
      await firestore.client({ projectId: projectIdOf(client) }).recursiveDelete(large);
      await Promise.all(values.map((n) => large.add({ n })));
      const { sum, average } = figures;
      return (await large.aggregate({ sum, average }).get()).data();
    };
    expect(await total(most, most, -most, -most)).toEqual({ sum: 0, average: 0 });
    expect(await total(most, 1e293)).toMatchObject({ sum: Number.POSITIVE_INFINITY });
    expect(await total(most, most)).toEqual({
      sum: Number.POSITIVE_INFINITY,
      average: Number.POSITIVE_INFINITY,
    });
    expect(await total(Number.MIN_VALUE, 0)).toEqual({ sum: Number.MIN_VALUE, average: 0 });
    expect(await total(Number.MAX_SAFE_INTEGER, 1, -101)).toMatchObject({
      sum: Number.MAX_SAFE_INTEGER - 100,
    });
  });

  test("leave out what is no number, and NaN makes NaN", async () => {
    const mixed = client.collection("mixed");
    const values = [1, 2.5, "3", null, true, [4], { n: 5 }, Timestamp.fromMillis(6)];
    await Promise.all(values.map((n, i) => mixed.doc(`d${i}`).set({ n })));
    const { sum, average } = figures;
    expect((await mixed.aggregate({ sum, average }).get()).data()).toEqual({ sum: 3.5, average: 1.75 });
    await mixed.doc("nan").set({ n: Number.NaN });
    expect((await mixed.aggregate({ sum, average }).get()).data()).toEqual({
      sum: Number.NaN,
      average: Number.NaN,
    });
  });

  test("have names of their own when none are given, and are five at most", async () => {
    const parent = `${databaseOf(client)}/documents`;
    const run = (aggregations: Message[]): Promise<Message[]> =>
      firestore.call("RunAggregationQuery", {
        parent,
        structuredAggregationQuery: { structuredQuery: { from: [{ collectionId: "none" }] }, aggregations },
      });
    const [{ result }] = await run([{ count: {} }, { alias: "mine", count: {} }, { count: {} }]);
    expect(Object.keys(result.aggregateFields).sort()).toEqual(["field_1", "field_2", "mine"]);
    const six = Array.from({ length: 6 }, () => ({ count: {} }));
    await expect(run(six)).rejects.toMatchObject({ code: 3, details: expect.stringMatching(/maximum/) });
  });

  test("are repeatable in a transaction", async () => {
    const numbers = client.collection("numbers");
    await numbers.doc("one").set({ n: 1 });
    let late: Promise<unknown> = Promise.resolve();
    const counts = await client.runTransaction(async (transaction) => {
      const first = await transaction.get(numbers.count());
      late = numbers.doc("two").set({ n: 2 });
      const second = await transaction.get(numbers.count());
      return [first.data().count, second.data().count];
    });
    expect(counts).toEqual([1, 1]);
    await late;
    expect((await numbers.count().get()).data().count).toBe(2);
  });
});

describe("the nearest vectors", () => {
  const nearest = async (
    distanceMeasure: "EUCLIDEAN" | "COSINE" | "DOT_PRODUCT",
    options: Partial<FirebaseFirestore.VectorQueryOptions> = {},
  ): Promise<[string, number][]> => {
    const query = client.collection("vectors").where("kind", "==", "in").select("kind", "distance");
    const found = await query
      .findNearest({
        vectorField: "v",
        queryVector: [3, 4],
        limit: 3,
        distanceMeasure,
        distanceResultField: "distance",
        ...options,
      })
      .get();
    expect(found.docs.every((one) => one.get("v") === undefined)).toBe(true);
    return found.docs.map((one) => [one.id, one.get("distance")]);
  };

  beforeEach(async () => {
    const vectors = { same: [3, 4], long: [30, 40], right: [5, 0], opposite: [-3, -4] };
    const batch = client.batch();
    for (const [id, vector] of Object.entries(vectors)) {
      batch.set(client.doc(`vectors/${id}`), { kind: "in", v: FieldValue.vector(vector) });
    }
    batch.set(client.doc("vectors/filtered"), { kind: "out", v: FieldValue.vector([3, 4]) });
    batch.set(client.doc("vectors/longer"), { kind: "in", v: FieldValue.vector([3, 4, 0]) });
    batch.set(client.doc("vectors/list"), { kind: "in", v: [3, 4] });
    batch.set(client.doc("vectors/missing"), { kind: "in" });
    await batch.commit();
  });

  test("are so by the measure asked for, among vectors of the same dimension", async () => {
    expect(await nearest("EUCLIDEAN")).toEqual([
      ["same", 0],
      ["right", Math.sqrt(20)],
      ["opposite", 10],
    ]);
    expect(await nearest("DOT_PRODUCT")).toEqual([
      ["long", 250],
      ["same", 25],
      ["right", 15],
    ]);
    const cosine = await nearest("COSINE", { limit: 4 });
    expect(cosine.map(([id]) => id)).toEqual(["long", "same", "right", "opposite"]);
    expect(cosine[2]?.[1]).toBeCloseTo(0.4, 12);
    expect(cosine[3]?.[1]).toBeCloseTo(2, 12);
  });

  test("are within the threshold, which for products is from below", async () => {
    expect(await nearest("EUCLIDEAN", { distanceThreshold: 5 })).toHaveLength(2);
    const products = await nearest("DOT_PRODUCT", { distanceThreshold: 20 });
    expect(products.map(([id]) => id)).toEqual(["long", "same"]);
  });
});
