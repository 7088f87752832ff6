import { FieldPath, Filter, type Firestore, type Query } from "@google-cloud/firestore";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Message } from "../kernel/rpc.ts";
import { databaseOf, projectIdOf, startFirestore, type TestFirestore } from "./testing.ts";

/** Every operator of queries over the same documents, so they stand in one file. */

let firestore: TestFirestore;
let client: Firestore;

beforeAll(async () => {
  firestore = await startFirestore();
  client = firestore.client();
  const batch = client.batch();
  const cities: Record<string, object> = {
    sf: {
      name: "San Francisco",
      country: "USA",
      population: 860_000,
      regions: ["west_coast", "norcal"],
      nick: null,
    },
    la: { name: "Los Angeles", country: "USA", population: 3_900_000, regions: ["west_coast", "socal"] },
    dc: {
      name: "Washington",
      country: "USA",
      population: 680_000,
      regions: ["east_coast"],
      nick: Number.NaN,
    },
    tok: { name: "Tokyo", country: "Japan", population: 9_000_000, regions: ["kanto"], nick: "T" },
    bj: { name: "Beijing", country: "China", population: 21_500_000, regions: [], nick: 5 },
  };
  for (const [id, data] of Object.entries(cities)) batch.set(client.doc(`cities/${id}`), data);
  batch.set(client.doc("cities/sf/landmarks/bridge"), { kind: "bridge" });
  batch.set(client.doc("cities/tok/landmarks/museum"), { kind: "museum" });
  batch.set(client.doc("parks/one/landmarks/gate"), { kind: "gate" });
  batch.set(client.doc("orphans/none/below/child"), {});
  await batch.commit();
});
afterAll(() => firestore.stop());

const ids = async (query: Query): Promise<string[]> => (await query.get()).docs.map(({ id }) => id);
const cities = (): FirebaseFirestore.CollectionReference => client.collection("cities");
const structured = (query: object): Promise<unknown> =>
  firestore.call("RunQuery", { parent: `${databaseOf(client)}/documents`, structuredQuery: query });

const INVALID_ARGUMENT = 3;

test("equality finds null and NaN only when asked for them", async () => {
  expect(await ids(cities().where("nick", "==", null))).toEqual(["sf"]);
  expect(await ids(cities().where("nick", "==", Number.NaN))).toEqual(["dc"]);
  expect(await ids(cities().where("nick", "in", [null, Number.NaN, "T"]))).toEqual(["tok"]);
});

test("inequality leaves out null and what is missing", async () => {
  expect(await ids(cities().where("nick", "!=", "T"))).toEqual(["dc", "bj"]);
  expect(await ids(cities().where("nick", "!=", null))).toEqual(["dc", "bj", "tok"]);
  expect(await ids(cities().where("nick", "!=", Number.NaN))).toEqual(["bj", "tok"]);
  expect(await ids(cities().where("nick", "not-in", [5, "x"]))).toEqual(["dc", "tok"]);
  expect(await ids(cities().where("nick", "not-in", [5, null]))).toEqual([]);
});

test("comparisons stay within the type of the operand", async () => {
  expect(await ids(cities().where("nick", ">", 4))).toEqual(["bj"]);
  expect(await ids(cities().where("nick", "<", "Z"))).toEqual(["tok"]);
});

test("arrays are searched by element", async () => {
  expect(await ids(cities().where("regions", "array-contains", "west_coast"))).toEqual(["la", "sf"]);
  expect(await ids(cities().where("regions", "array-contains-any", ["norcal", "kanto", "none"]))).toEqual([
    "sf",
    "tok",
  ]);
  const ordered = cities().where("regions", "array-contains", "west_coast").orderBy("population");
  expect(await ids(ordered)).toEqual(["sf", "la"]);
  expect(await ids(cities().where("regions", "==", ["east_coast"]))).toEqual(["dc"]);
});

test("alternatives are found once each, in order", async () => {
  const query = cities().where(
    Filter.or(
      Filter.where("country", "==", "USA"),
      Filter.where("population", ">", 3_000_000),
      Filter.and(Filter.where("country", "in", ["Japan", "China"]), Filter.where("nick", "==", "T")),
    ),
  );
  expect(await ids(query.orderBy("population", "desc"))).toEqual(["bj", "tok", "la", "sf", "dc"]);
  expect(await ids(query.orderBy("population").limit(2))).toEqual(["dc", "sf"]);
});

test("offset, limit and limitToLast cut the results", async () => {
  const query = cities().orderBy("population");
  expect(await ids(query.offset(1).limit(2))).toEqual(["sf", "la"]);
  expect(await ids(query.limitToLast(2))).toEqual(["tok", "bj"]);
  expect(await ids(query.limit(0))).toEqual([]);
});

test("a stream brings the results one by one, and says what an offset left out", async () => {
  const streamed: string[] = [];
  for await (const snapshot of cities().orderBy("population").limit(3).stream()) {
    streamed.push((snapshot as unknown as { readonly id: string }).id);
  }
  expect(streamed).toEqual(["dc", "sf", "la"]);
  const [first, ...others] = (await structured({
    from: [{ collectionId: "cities" }],
    offset: 3,
  })) as Message[];
  expect(first).toMatchObject({ skippedResults: 3, document: { name: expect.stringMatching(/sf$/) } });
  expect(others).toHaveLength(1);
  const none = await structured({ from: [{ collectionId: "cities" }], offset: 9 });
  expect(none).toEqual([{ skippedResults: 5, readTime: expect.anything() }]);
});

test("names are compared, ranged over and listed", async () => {
  const byName = FieldPath.documentId();
  expect(await ids(cities().where(byName, ">=", "dc").where(byName, "<", "sf"))).toEqual(["dc", "la"]);
  expect(await ids(cities().where(byName, "in", ["tok", "none", "bj"]))).toEqual(["bj", "tok"]);
  expect(await ids(cities().where(byName, "==", "la").where("country", "==", "Japan"))).toEqual([]);
  expect(await ids(cities().where(byName, "!=", "la").where("country", "==", "USA"))).toEqual(["dc", "sf"]);
  expect(await ids(cities().orderBy(byName, "desc").startAfter("la"))).toEqual(["dc", "bj"]);
});

test("ids that are numbers sort as numbers, before all others", async () => {
  const own = firestore.client();
  const numbered = own.collection("numbered");
  const sorted = [
    "__id-9223372036854775808__",
    "__id-2__",
    "__id7__",
    "__id12__",
    "__id9223372036854775807__",
    "12",
    "7",
    "__id",
    "__id1_",
    "a",
  ];
  await Promise.all(sorted.map((id) => numbered.doc(id).set({})));
  const byName = numbered.orderBy(FieldPath.documentId());
  expect(await ids(byName)).toEqual(sorted);
  expect(await ids(byName.startAfter("__id7__").endAt("12"))).toEqual(sorted.slice(3, 6));
  expect((await numbered.listDocuments()).map(({ id }) => id)).toEqual(sorted);
  await numbered.doc("__id7__/below/x").set({});
  const [below] = (await own.collectionGroup("below").get()).docs;
  expect(below?.ref.path).toBe("numbered/__id7__/below/x");
  for (const id of ["__id07__", "__id-0__", "__id9223372036854775808__", "__idx__"]) {
    await expect(numbered.doc(id).set({})).rejects.toMatchObject({ code: 3 });
  }
  await expect(own.doc("__id7__/x").set({})).rejects.toMatchObject({ code: 3 });
});

test("projections show the fields asked for, or the name alone", async () => {
  const { docs } = await cities().where("country", "==", "Japan").select("name").get();
  expect(docs.map((found) => found.data())).toEqual([{ name: "Tokyo" }]);
  expect((await cities().limit(1).select().get()).docs.map((found) => found.data())).toEqual([{}]);
});

test("collection groups reach every depth, and below a document only what is there", async () => {
  const group = client.collectionGroup("landmarks");
  expect(await ids(group)).toEqual(["bridge", "museum", "gate"]);
  expect(await ids(group.orderBy(FieldPath.documentId(), "desc"))).toEqual(["gate", "museum", "bridge"]);
  expect(await ids(group.where("kind", ">", "bridge"))).toEqual(["gate", "museum"]);
  const from = group
    .orderBy(FieldPath.documentId())
    .startAt("cities/tok/landmarks/a")
    .endBefore("parks/one/landmarks/gate");
  expect(await ids(from)).toEqual(["museum"]);
});

test("partitions of a collection group cover it", async () => {
  const found: string[] = [];
  let partitions = 0;
  for await (const partition of client.collectionGroup("landmarks").getPartitions(2)) {
    partitions += 1;
    found.push(...(await ids(partition.toQuery())));
  }
  expect(partitions).toBe(2);
  expect(found.sort()).toEqual(["bridge", "gate", "museum"]);
});

test("listing shows collections, documents and documents that only have others below them", async () => {
  const names = await client.listCollections();
  expect(names.map(({ id }) => id)).toEqual(["cities", "orphans", "parks"]);
  expect((await client.doc("cities/sf").listCollections()).map(({ id }) => id)).toEqual(["landmarks"]);
  expect((await client.collection("orphans").listDocuments()).map(({ id }) => id)).toEqual(["none"]);
  expect((await cities().listDocuments()).map(({ id }) => id)).toEqual(["bj", "dc", "la", "sf", "tok"]);
  const parent = `${databaseOf(client)}/documents`;
  const page = { parent, collectionId: "cities", pageSize: 2, orderBy: "population desc" };
  const [first] = await firestore.call("ListDocuments", page);
  const [second] = await firestore.call("ListDocuments", { ...page, pageToken: first.nextPageToken });
  const shown = [...first.documents, ...second.documents].map(({ name }) => name.split("/").at(-1));
  expect(shown).toEqual(["bj", "tok", "la", "sf"]);
  for (const other of [{ pageToken: "guessed" }, { orderBy: "name", pageToken: first.nextPageToken }]) {
    const call = firestore.call("ListDocuments", { ...page, ...other });
    await expect(call).rejects.toMatchObject({ code: INVALID_ARGUMENT });
  }
});

test("aggregations count, add and average, and know integers from doubles", async () => {
  const { AggregateField } = await import("@google-cloud/firestore");
  const snapshot = await cities()
    .where("country", "==", "USA")
    .aggregate({
      count: AggregateField.count(),
      sum: AggregateField.sum("population"),
      average: AggregateField.average("population"),
    })
    .get();
  expect(snapshot.data()).toEqual({ count: 3, sum: 5_440_000, average: 5_440_000 / 3 });
  expect((await cities().limit(2).count().get()).data().count).toBe(2);
  const upTo = {
    structuredQuery: { from: [{ collectionId: "cities" }] },
    aggregations: [{ alias: "n", count: { upTo: { value: 3 } } }],
  };
  const [counted] = await firestore.call("RunAggregationQuery", {
    parent: `${databaseOf(client)}/documents`,
    structuredAggregationQuery: upTo,
  });
  expect(counted.result.aggregateFields.n.integerValue).toBe("3");
});

test("sums beyond int64 become doubles", async () => {
  const parent = `${databaseOf(client)}/documents`;
  for (const id of ["x", "y"]) {
    const document = { fields: { n: { integerValue: "9223372036854775807" } } };
    await firestore.call("CreateDocument", { parent, collectionId: "large", documentId: id, document });
  }
  const [summed] = await firestore.call("RunAggregationQuery", {
    parent,
    structuredAggregationQuery: {
      structuredQuery: { from: [{ collectionId: "large" }] },
      aggregations: [{ alias: "s", sum: { field: { fieldPath: "n" } } }],
    },
  });
  expect(summed.result.aggregateFields.s.doubleValue).toBe(2 ** 64);
});

test("the nearest vectors come nearest first", async () => {
  const { FieldValue } = await import("@google-cloud/firestore");
  for (const [id, vector] of Object.entries({ far: [9, 9], near: [1, 1], nearer: [1, 0], odd: [1, 2, 3] })) {
    await client.doc(`vectors/${id}`).set({ v: FieldValue.vector(vector) });
  }
  const found = await client
    .collection("vectors")
    .findNearest({
      vectorField: "v",
      queryVector: [0, 0],
      limit: 2,
      distanceMeasure: "EUCLIDEAN",
      distanceResultField: "d",
    })
    .get();
  expect(found.docs.map((one) => [one.id, one.get("d")])).toEqual([
    ["nearer", 1],
    ["near", Math.SQRT2],
  ]);
});

test("a whole tree is deleted, and nothing beside it", async () => {
  for (const path of ["tree/a", "tree/a/b/c", "tree/a/b/c/d/e", "tree2/a", "tree/z"])
    await client.doc(path).set({});
  await client.recursiveDelete(client.doc("tree/a"));
  expect(await ids(client.collectionGroup("b"))).toEqual([]);
  expect(await ids(client.collection("tree"))).toEqual(["z"]);
  await client.recursiveDelete(client.collection("tree"));
  expect(await ids(client.collection("tree"))).toEqual([]);
  expect(await ids(client.collection("tree2"))).toEqual(["a"]);
});

test("explain tells the indexes, and on request the cost", async () => {
  const query = cities().where("country", "==", "USA");
  const planned = await query.explain();
  expect(planned.metrics.planSummary.indexesUsed).toEqual([
    { query_scope: "Collection", properties: "(country ASC, __name__ ASC)" },
  ]);
  expect(planned.snapshot).toBeNull();
  const { metrics, snapshot } = await query.explain({ analyze: true });
  expect(snapshot?.size).toBe(3);
  expect(metrics.executionStats).toMatchObject({ resultsReturned: 3, readOperations: 3 });
});

test("reads are billed by document, by thousand entries, and once when nothing is found", async () => {
  const { meter } = firestore.kernel;
  const project = projectIdOf(client);
  const cost = async (work: () => Promise<unknown>): Promise<number> => {
    meter.clear(project);
    await work();
    return meter.read({ project }).billed.reads;
  };
  expect(await cost(() => cities().get())).toBe(5);
  expect(await cost(() => cities().offset(2).limit(1).get())).toBe(3);
  expect(await cost(() => cities().where("country", "==", "none").get())).toBe(1);
  expect(await cost(() => cities().count().get())).toBe(1);
  expect(await cost(() => client.getAll(client.doc("cities/sf"), client.doc("cities/none")))).toBe(2);
});

test("what production refuses is refused", async () => {
  const from = [{ collectionId: "cities" }];
  const field = { fieldPath: "a" };
  const value = { integerValue: 1 };
  const where = (filter: object): object => ({ from, where: filter });
  const fieldFilter = (op: string, operand: object = value): object => ({
    fieldFilter: { field, op, value: operand },
  });
  const list = (size: number): object => ({
    arrayValue: { values: Array.from({ length: size }, () => value) },
  });
  const refused = [
    {},
    { from: [...from, ...from] },
    where({ compositeFilter: { op: "AND", filters: [] } }),
    where({}),
    where(fieldFilter("IN", list(31))),
    where(fieldFilter("IN", list(0))),
    where(fieldFilter("NOT_IN", list(11))),
    where(fieldFilter("OPERATOR_UNSPECIFIED")),
    where({ fieldFilter: { field, op: "EQUAL" } }),
    where({ fieldFilter: { field: { fieldPath: "a..b" }, op: "EQUAL", value } }),
    where({
      compositeFilter: { op: "AND", filters: [fieldFilter("ARRAY_CONTAINS"), fieldFilter("ARRAY_CONTAINS")] },
    }),
    where({
      compositeFilter: { op: "AND", filters: [fieldFilter("NOT_IN", list(1)), fieldFilter("NOT_EQUAL")] },
    }),
    where({
      compositeFilter: { op: "AND", filters: [fieldFilter("NOT_EQUAL"), fieldFilter("NOT_EQUAL")] },
    }),
    { from, limit: { value: -1 } },
    { from, offset: -1 },
    { from, orderBy: [{ field }, { field }] },
    { from, startAt: { values: [value, value] } },
    { from: [{ collectionId: "__x__" }] },
    { from: [{ allDescendants: true }], orderBy: [{ field }] },
  ];
  for (const query of refused) {
    const code = await structured(query).then(
      () => 0,
      (cause: { code: number }) => cause.code,
    );
    expect([query, code]).toEqual([query, INVALID_ARGUMENT]);
  }
});
