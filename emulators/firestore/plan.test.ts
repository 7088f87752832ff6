import { FieldPath, Filter, type Firestore, type Query, type QuerySnapshot } from "@google-cloud/firestore";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startFirestore, type TestFirestore } from "./testing.ts";

/**
 * Index scans are compared with a plain reading of the same query: random documents, random queries,
 * a seed that is fixed. The plain reading knows numbers and strings only, which is enough to go
 * wrong in every corner of a plan.
 */
interface Plain {
  readonly id: string;
  readonly data: Record<string, number | string | number[]>;
}

let firestore: TestFirestore;
let client: Firestore;
const documents: Plain[] = [];

function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 32;
  };
}

beforeAll(async () => {
  firestore = await startFirestore();
  client = firestore.client();
  const random = randomFrom(7);
  const batch = client.batch();
  for (let i = 0; i < 60; i += 1) {
    const data: Plain["data"] = { a: Math.floor(random() * 4) };
    if (random() < 0.9) data.b = Math.floor(random() * 5);
    if (random() < 0.9) data.c = random() < 0.3 ? "text" : Math.floor(random() * 3);
    data.d = [Math.floor(random() * 4), Math.floor(random() * 4)];
    const id = `d${(i * 37) % 60}`;
    documents.push({ id, data });
    batch.set(client.doc(`things/${id}`), data);
  }
  await batch.commit();
});
afterAll(() => firestore.stop());

type Leaf = readonly [field: string, op: FirebaseFirestore.WhereFilterOp, value: unknown];

const typeRank = (value: unknown): number =>
  typeof value === "number" ? 0 : typeof value === "string" ? 1 : 2;

function compare(left: unknown, right: unknown): number {
  if (typeRank(left) !== typeRank(right)) return typeRank(left) - typeRank(right);
  return left === right ? 0 : (left as number) < (right as number) ? -1 : 1;
}

function meets({ id, data }: Plain, [field, op, operand]: Leaf): boolean {
  const value = field === "__name__" ? id : data[field];
  if (value === undefined) return false;
  if (op === "array-contains") return (value as unknown[]).includes(operand);
  if (op === "array-contains-any")
    return (operand as unknown[]).some((one) => (value as unknown[]).includes(one));
  if (op === "in") return (operand as unknown[]).includes(value);
  if (op === "not-in") return !(operand as unknown[]).includes(value);
  if (op === "!=") return value !== operand;
  if (op === "==") return value === operand;
  if (typeRank(value) !== typeRank(operand)) return false;
  const order = compare(value, operand);
  return op === "<" ? order < 0 : op === "<=" ? order <= 0 : op === ">" ? order > 0 : order >= 0;
}

interface Wanted {
  readonly groups: readonly (readonly Leaf[])[];
  readonly orders: readonly (readonly [field: string, direction: "asc" | "desc"])[];
}

const RANGES = ["<", "<=", ">", ">=", "!=", "not-in"];

function expected({ groups, orders }: Wanted): string[] {
  const ranged = [
    ...new Set(
      groups
        .flat()
        .filter(([, op]) => RANGES.includes(op))
        .map(([field]) => field),
    ),
  ].sort();
  const direction = orders.at(-1)?.[1] ?? "asc";
  const complete = [...orders];
  for (const field of ranged) {
    if (field !== "__name__" && !orders.some(([other]) => other === field)) complete.push([field, direction]);
  }
  return documents
    .filter((document) => groups.some((leaves) => leaves.every((leaf) => meets(document, leaf))))
    .filter(({ data }) => complete.every(([field]) => field in data))
    .sort((left, right) => {
      for (const [field, way] of complete) {
        const order = compare(left.data[field], right.data[field]);
        if (order !== 0) return way === "asc" ? order : -order;
      }
      return (left.id < right.id ? -1 : 1) * (direction === "asc" ? 1 : -1);
    })
    .map(({ id }) => id);
}

function randomWanted(random: () => number): Wanted {
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)] as T;
  const leaf = (): Leaf => {
    const field = pick(["a", "b", "c", "a", "b", "d"]);
    if (field === "d") {
      return random() < 0.5
        ? ["d", "array-contains", pick([0, 1, 2])]
        : ["d", "array-contains-any", [pick([0, 1]), 3]];
    }
    const op = pick(["==", "==", "in", "<", "<=", ">", ">=", "!=", "not-in"] as const);
    const value = field === "c" && random() < 0.3 ? "text" : pick([0, 1, 2, 3]);
    return [field, op, op === "in" || op === "not-in" ? [value, pick([0, 4])] : value];
  };
  const groups = Array.from({ length: random() < 0.75 ? 1 : 2 }, () =>
    Array.from({ length: Math.floor(random() * 3.5) }, leaf),
  );
  const fields = ["a", "b", "c"].filter(() => random() < 0.35);
  return { groups, orders: fields.map((field) => [field, pick(["asc", "desc"] as const)]) };
}

function build({ groups, orders }: Wanted): Query {
  let query: Query = client.collection("things");
  const [only] = groups;
  if (groups.length === 1 && only !== undefined)
    for (const leaf of only) query = query.where(...asWhere(leaf));
  else {
    const parts = groups.map((leaves) => Filter.and(...leaves.map((leaf) => Filter.where(...asWhere(leaf)))));
    query = query.where(Filter.or(...parts));
  }
  for (const [field, direction] of orders) query = query.orderBy(field, direction);
  return query;
}

const asWhere = ([field, op, value]: Leaf): [
  string | FieldPath,
  FirebaseFirestore.WhereFilterOp,
  unknown,
] => [field === "__name__" ? FieldPath.documentId() : field, op, value];

const idsOf = (snapshot: QuerySnapshot): string[] => snapshot.docs.map(({ id }) => id);

/** Leaves out what Firestore refuses to combine; refusals have their own tests. */
function isAllowed({ groups }: Wanted): boolean {
  const count = (leaves: readonly Leaf[], ...ops: string[]): number =>
    leaves.filter(([, op]) => ops.includes(op)).length;
  const all = groups.flat();
  if (groups.length > 1 && groups.some((leaves) => leaves.length === 0)) return false;
  if (groups.some((leaves) => count(leaves, "array-contains", "array-contains-any") > 1)) return false;
  if (count(all, "!=", "not-in") > 1) return false;
  return count(all, "not-in") === 0 || count(all, "in", "array-contains-any") === 0;
}

test("every plan finds what the filters alone find, in the same order", async () => {
  const random = randomFrom(11);
  let compared = 0;
  for (let round = 0; round < 200; round += 1) {
    const wanted = randomWanted(random);
    if (!isAllowed(wanted)) continue;
    compared += 1;
    expect({ wanted, ids: idsOf(await build(wanted).get()) }).toEqual({ wanted, ids: expected(wanted) });
  }
  expect(compared).toBeGreaterThan(90);
});

test("cursors cut every order at the same place from both sides", async () => {
  const random = randomFrom(23);
  let compared = 0;
  for (let round = 0; round < 60; round += 1) {
    const wanted = randomWanted(random);
    if (wanted.groups.length > 1 || !isAllowed(wanted)) continue;
    const query = build(wanted);
    const all = idsOf(await query.get());
    if (all.length < 3) continue;
    const at = 1 + Math.floor(random() * (all.length - 2));
    const snapshot = await client.doc(`things/${all[at]}`).get();
    const cut = {
      startAt: idsOf(await query.startAt(snapshot).get()),
      startAfter: idsOf(await query.startAfter(snapshot).limit(2).get()),
      endAt: idsOf(await query.endAt(snapshot).get()),
      endBefore: idsOf(await query.endBefore(snapshot).get()),
      counted: (await query.startAt(snapshot).count().get()).data().count,
    };
    expect({ wanted, at, ...cut }).toEqual({
      wanted,
      at,
      startAt: all.slice(at),
      startAfter: all.slice(at + 1, at + 3),
      endAt: all.slice(0, at + 1),
      endBefore: all.slice(0, at),
      counted: all.length - at,
    });
    compared += 1;
  }
  expect(compared).toBeGreaterThan(15);
});
