import { FieldPath, Filter, type Firestore, type Query } from "@google-cloud/firestore";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startFirestore, type TestFirestore } from "./testing.ts";

let firestore: TestFirestore;
let client: Firestore;
let plants: FirebaseFirestore.CollectionReference;

beforeAll(async () => {
  firestore = await startFirestore();
  client = firestore.client();
  plants = client.collection("plants");
  const batch = client.batch();
  const heights: Record<string, object> = {
    ash: { height: 30, age: 90 },
    birch: { height: 20, age: 50 },
    cedar: { height: 30, age: 300 },
    dill: { height: 1 },
    elm: { height: 25, age: 200 },
  };
  for (const [id, data] of Object.entries(heights)) batch.set(plants.doc(id), data);
  await batch.commit();
});
afterAll(() => firestore.stop());

const ids = async (query: Query): Promise<string[]> => (await query.get()).docs.map(({ id }) => id);

describe("orders that are not asked for", () => {
  test("are by name, in the direction of the last order", async () => {
    expect(await ids(plants)).toEqual(["ash", "birch", "cedar", "dill", "elm"]);
    expect(await ids(plants.orderBy("height"))).toEqual(["dill", "birch", "elm", "ash", "cedar"]);
    expect(await ids(plants.orderBy("height", "desc"))).toEqual(["cedar", "ash", "elm", "birch", "dill"]);
  });

  test("are by the fields of inequalities, which leaves out who lacks one", async () => {
    expect(await ids(plants.where("age", ">", 60))).toEqual(["ash", "elm", "cedar"]);
    expect(await ids(plants.where("height", ">", 0).where("age", "<", 1_000))).toEqual([
      "birch",
      "ash",
      "elm",
      "cedar",
    ]);
    expect(await ids(plants.where("age", "!=", 50).orderBy("height", "desc"))).toEqual([
      "cedar",
      "ash",
      "elm",
    ]);
  });

  test("are those of all alternatives together", async () => {
    const either = plants.where(Filter.or(Filter.where("height", "<", 5), Filter.where("age", "==", 50)));
    expect(await ids(either)).toEqual(["dill", "birch"]);
    const lacking = plants.where(Filter.or(Filter.where("age", ">", 250), Filter.where("height", "==", 1)));
    expect(await ids(lacking)).toEqual(["cedar"]);
    const beside = Filter.or(Filter.where("height", "==", 1), Filter.where("age", "not-in", [50, 90]));
    expect(await ids(plants.where(beside))).toEqual(["elm", "cedar"]);
    const equal = Filter.or(Filter.where("age", "==", 300), Filter.where("height", "in", [1, 20]));
    expect(await ids(plants.where(equal))).toEqual(["birch", "cedar", "dill"]);
    expect(await ids(plants.where(equal).orderBy("age").limitToLast(1))).toEqual(["cedar"]);
  });
});

describe("cursors", () => {
  test("cut at values, with and without what is equal", async () => {
    const byHeight = plants.orderBy("height");
    expect(await ids(byHeight.startAt(25))).toEqual(["elm", "ash", "cedar"]);
    expect(await ids(byHeight.startAfter(25))).toEqual(["ash", "cedar"]);
    expect(await ids(byHeight.endAt(25))).toEqual(["dill", "birch", "elm"]);
    expect(await ids(byHeight.endBefore(25))).toEqual(["dill", "birch"]);
    expect(await ids(byHeight.startAfter(1).endBefore(30))).toEqual(["birch", "elm"]);
    const named = byHeight.orderBy(FieldPath.documentId(), "desc");
    expect(await ids(named.startAt(30, "ash"))).toEqual(["ash"]);
    expect(await ids(named.startAt(30))).toEqual(["cedar", "ash"]);
    expect(await ids(named.endBefore(30, "ash"))).toEqual(["dill", "birch", "elm", "cedar"]);
  });

  test("cut at documents, with and without the document itself", async () => {
    const ash = await plants.doc("ash").get();
    const tall = plants.where("height", ">", 10).orderBy("height", "desc");
    expect(await ids(tall.startAt(ash))).toEqual(["ash", "elm", "birch"]);
    expect(await ids(tall.startAfter(ash))).toEqual(["elm", "birch"]);
    expect(await ids(tall.endAt(ash))).toEqual(["cedar", "ash"]);
    expect(await ids(tall.endBefore(ash))).toEqual(["cedar"]);
    expect(await ids(plants.startAfter(await plants.doc("cedar").get()))).toEqual(["dill", "elm"]);
    const two = plants.where("age", ">", 0).where("height", ">=", 20).orderBy("height");
    expect(await ids(two.startAfter(ash))).toEqual(["cedar"]);
  });

  test("lead through all pages, with limits from either end", async () => {
    const found: string[] = [];
    const byHeight = plants.orderBy("height").limit(2);
    for (let page = await byHeight.get(); !page.empty;) {
      found.push(...page.docs.map(({ id }) => id));
      page = await byHeight.startAfter(page.docs.at(-1)).get();
    }
    expect(found).toEqual(["dill", "birch", "elm", "ash", "cedar"]);
    expect(await ids(plants.orderBy("height").startAt(20).endAt(30).limitToLast(2))).toEqual([
      "ash",
      "cedar",
    ]);
    expect(await ids(plants.orderBy("height").startAfter(1).offset(1).limit(2))).toEqual(["elm", "ash"]);
    expect(await ids(plants.orderBy("height").offset(9))).toEqual([]);
  });

  test("cut collection groups by any path", async () => {
    const own = firestore.client();
    const paths = ["a/a/g/1", "a/b/a/b/g/2", "a/b/g/3", "a/b/c/d/g/4", "a/c/g/5", "g/6", "a/b/other/7"];
    await Promise.all(paths.map((path) => own.doc(path).set({})));
    const group = own.collectionGroup("g");
    const byName = group.orderBy(FieldPath.documentId());
    expect(await ids(byName)).toEqual(["1", "2", "4", "3", "5", "6"]);
    expect(await ids(byName.startAt("a/b").endAt("a/b0"))).toEqual(["2", "4", "3"]);
    const name = FieldPath.documentId();
    expect(await ids(group.where(name, ">", "a/b").where(name, "<", "a/b/g/3"))).toEqual(["2", "4"]);
    expect(await ids(group.where(name, "in", ["g/6", "a/c/g/5"]))).toEqual(["5", "6"]);
  });
});
