import type { DocumentChange, Firestore, Query, QuerySnapshot } from "@google-cloud/firestore";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { databaseOf, projectIdOf, type RawStream, startFirestore, type TestFirestore } from "./testing.ts";

let firestore: TestFirestore;
let client: Firestore;

beforeAll(async () => {
  firestore = await startFirestore();
});
beforeEach(() => {
  client = firestore.client();
});
afterAll(() => firestore.stop());

/** Snapshots one after the other, as they come. */
class Snapshots<T> {
  readonly stop: () => void;
  private readonly arrived: T[] = [];
  private wake: () => void = () => undefined;

  constructor(subscribe: (next: (snapshot: T) => void, failed: (cause: Error) => void) => () => void) {
    this.stop = subscribe(
      (snapshot) => {
        this.arrived.push(snapshot);
        this.wake();
      },
      (cause) => {
        throw cause;
      },
    );
  }

  async next(): Promise<T> {
    while (this.arrived.length === 0) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
    return this.arrived.shift() as T;
  }
}

const watch = (query: Query): Snapshots<QuerySnapshot> =>
  new Snapshots((next, failed) => query.onSnapshot(next, failed));

const changesOf = (snapshot: QuerySnapshot): string[] =>
  snapshot.docChanges().map(({ type, doc }: DocumentChange) => `${type} ${doc.id}`);

const idsOf = (snapshot: QuerySnapshot): string[] => snapshot.docs.map(({ id }) => id);

test("a document's listener sees it missing, come, change and go", async () => {
  const document = client.doc("a/b");
  const snapshots = new Snapshots<FirebaseFirestore.DocumentSnapshot>((next, failed) =>
    document.onSnapshot(next, failed),
  );
  expect((await snapshots.next()).exists).toBe(false);
  await document.set({ n: 1 });
  expect((await snapshots.next()).data()).toEqual({ n: 1 });
  await document.update({ n: 2 });
  expect((await snapshots.next()).data()).toEqual({ n: 2 });
  await document.delete();
  expect((await snapshots.next()).exists).toBe(false);
  snapshots.stop();
});

test("a query's listener sees what comes into view, moves in it and leaves it", async () => {
  const rooms = client.collection("rooms");
  await rooms.doc("one").set({ open: true, size: 1 });
  await rooms.doc("shut").set({ open: false, size: 0 });
  const snapshots = watch(rooms.where("open", "==", true).orderBy("size"));
  expect(idsOf(await snapshots.next())).toEqual(["one"]);
  await rooms.doc("two").set({ open: true, size: 2 });
  expect(changesOf(await snapshots.next())).toEqual(["added two"]);
  await rooms.doc("one").update({ size: 3 });
  const moved = await snapshots.next();
  expect(changesOf(moved)).toEqual(["modified one"]);
  expect(idsOf(moved)).toEqual(["two", "one"]);
  await rooms.doc("two").update({ open: false });
  expect(changesOf(await snapshots.next())).toEqual(["removed two"]);
  await rooms.doc("shut").update({ size: 9 });
  await rooms.doc("one").delete();
  expect(changesOf(await snapshots.next())).toEqual(["removed one"]);
  snapshots.stop();
});

test("a limited query's listener sees others move up when one leaves", async () => {
  const scores = client.collection("scores");
  for (const n of [1, 2, 3, 4]) await scores.doc(`s${n}`).set({ n });
  const snapshots = watch(scores.orderBy("n").limit(2));
  expect(idsOf(await snapshots.next())).toEqual(["s1", "s2"]);
  await scores.doc("s1").delete();
  const moved = await snapshots.next();
  expect(idsOf(moved)).toEqual(["s2", "s3"]);
  expect(changesOf(moved).sort()).toEqual(["added s3", "removed s1"]);
  await scores.doc("s0").set({ n: 0 });
  expect(idsOf(await snapshots.next())).toEqual(["s0", "s2"]);
  snapshots.stop();
});

test("the last of a limited query, and a collection group, are followed too", async () => {
  const last = watch(client.collection("log").orderBy("n").limitToLast(1));
  const group = watch(client.collectionGroup("log"));
  expect((await last.next()).size).toBe(0);
  expect((await group.next()).size).toBe(0);
  await client.doc("log/a").set({ n: 1 });
  expect(idsOf(await last.next())).toEqual(["a"]);
  expect(idsOf(await group.next())).toEqual(["a"]);
  await client.doc("other/x/log/b").set({ n: 2 });
  expect(idsOf(await group.next())).toEqual(["a", "b"]);
  last.stop();
  group.stop();
});

test("writes of one commit are seen in one snapshot", async () => {
  const snapshots = watch(client.collection("pairs"));
  expect((await snapshots.next()).size).toBe(0);
  const batch = client.batch();
  batch.set(client.doc("pairs/a"), {});
  batch.set(client.doc("pairs/b"), {});
  await batch.commit();
  expect((await snapshots.next()).size).toBe(2);
  snapshots.stop();
});

test("listeners are billed for each document they are sent", async () => {
  const items = client.collection("items");
  await items.doc("a").set({});
  await items.doc("b").set({});
  firestore.kernel.meter.clear(projectIdOf(client));
  const snapshots = watch(items);
  await snapshots.next();
  await items.doc("c").set({});
  await snapshots.next();
  expect(firestore.kernel.meter.read({ project: projectIdOf(client) }).billed.reads).toBe(3);
  snapshots.stop();
});

test("a stream that breaks resumes with what it missed", async () => {
  const items = client.collection("resumed");
  for (const id of ["a", "b", "c"]) await items.doc(id).set({ n: 1 });
  const snapshots = watch(items);
  expect((await snapshots.next()).size).toBe(3);
  const { meter } = firestore.kernel;
  meter.clear(projectIdOf(client));
  for (const session of sessionsOf(firestore)) session.destroy();
  await firestore
    .client({ projectId: projectIdOf(client) })
    .doc("resumed/b")
    .delete();
  const missed = await snapshots.next();
  expect(changesOf(missed)).toEqual(["removed b"]);
  await firestore
    .client({ projectId: projectIdOf(client) })
    .doc("resumed/a")
    .update({ n: 2 });
  expect(changesOf(await snapshots.next())).toEqual(["modified a"]);
  // The documents it knew were not read again.
  expect(meter.read({ project: projectIdOf(client) }).billed.reads).toBeLessThanOrEqual(2);
  snapshots.stop();
});

interface Session {
  destroy(): void;
}

/** The connections of the gRPC server, which has no public way to break one. */
function sessionsOf({ server }: TestFirestore): Session[] {
  const { sessions } = server.server as unknown as { readonly sessions: Map<Session, unknown> };
  return [...sessions.keys()];
}

test("a thousand listeners of one collection all hear of a change", async () => {
  const items = client.collection("crowd");
  const clients = Array.from({ length: 10 }, () => firestore.client({ projectId: projectIdOf(client) }));
  const listeners = clients.flatMap((one) =>
    Array.from({ length: 100 }, () => watch(one.collection("crowd"))),
  );
  await Promise.all(listeners.map((listener) => listener.next()));
  await items.doc("news").set({ n: 1 });
  const seen = await Promise.all(listeners.map((listener) => listener.next()));
  expect(seen.every((snapshot) => snapshot.size === 1)).toBe(true);
  for (const listener of listeners) listener.stop();
});

test("a thousand listeners see every change of a collection once and in order", async () => {
  const clients = Array.from({ length: 10 }, () => firestore.client({ projectId: projectIdOf(client) }));
  const rounds = 20;
  let arrived = (): void => undefined;
  const whole = new Promise<void>((resolve) => {
    let left = 1_000;
    arrived = () => {
      left -= 1;
      if (left === 0) resolve();
    };
  });
  const seen: number[][] = [];
  const stops: (() => void)[] = [];
  const ready = clients.flatMap((one) =>
    Array.from({ length: 100 }, () => {
      const rows: number[] = [];
      seen.push(rows);
      return new Promise<void>((resolve) => {
        const stop = one.collection("ticker").onSnapshot((snapshot) => {
          for (const change of snapshot.docChanges()) rows.push(change.doc.get("n"));
          if (snapshot.empty) resolve();
          if (rows.at(-1) === rounds) arrived();
        });
        stops.push(stop);
      });
    }),
  );
  await Promise.all(ready);
  for (let n = 1; n <= rounds; n += 1) await client.collection("ticker").add({ n });
  await whole;
  const every = Array.from({ length: rounds }, (_, i) => i + 1);
  expect(seen.filter((rows) => rows.join() !== every.join())).toEqual([]);
  for (const stop of stops) stop();
});

/** Reads until the stream says that all of it is consistent, and tells what came before that. */
async function untilSnapshot(stream: RawStream): Promise<{ told: string[]; token: unknown }> {
  const told: string[] = [];
  for (;;) {
    const { targetChange, documentChange, documentDelete, documentRemove, filter } = await stream.next();
    const idOf = (name: string): string => name.split("/").at(-1) as string;
    if (documentChange) told.push(`${idOf(documentChange.document.name)} in ${documentChange.targetIds}`);
    if (documentDelete)
      told.push(`${idOf(documentDelete.document)} deleted from ${documentDelete.removedTargetIds}`);
    if (documentRemove)
      told.push(`${idOf(documentRemove.document)} out of ${documentRemove.removedTargetIds}`);
    if (filter) told.push(`${filter.count} in ${filter.targetId}`);
    if (!targetChange) continue;
    const { targetChangeType: type = "NO_CHANGE", targetIds = [], cause } = targetChange;
    if (type === "NO_CHANGE" && targetIds.length === 0) return { told, token: targetChange.resumeToken };
    told.push(`${type} ${targetIds}${cause ? ` ${cause.code}` : ""}`);
    if (type === "REMOVE") return { told, token: undefined };
  }
}

test("one stream carries many targets, which come and go", async () => {
  const database = databaseOf(client);
  const parent = `${database}/documents`;
  const collection = { from: [{ collectionId: "many" }] };
  const small = {
    ...collection,
    where: { fieldFilter: { field: { fieldPath: "n" }, op: "LESS_THAN", value: { integerValue: 5 } } },
  };
  const stream = firestore.open("Listen");
  const add = (targetId: number, target: object): void =>
    stream.send({ database, addTarget: { targetId, ...target } });
  add(2, { query: { parent, structuredQuery: collection } });
  expect((await untilSnapshot(stream)).told).toEqual(["ADD 2", "CURRENT 2"]);
  add(4, { query: { parent, structuredQuery: small } });
  expect((await untilSnapshot(stream)).told).toEqual(["ADD 4", "CURRENT 4"]);
  add(6, { documents: { documents: [`${parent}/many/a`] } });
  expect((await untilSnapshot(stream)).told).toEqual(["ADD 6", "a deleted from 6", "CURRENT 6"]);
  await client.doc("many/a").set({ n: 1 });
  expect((await untilSnapshot(stream)).told.sort()).toEqual(["a in 2", "a in 4", "a in 6"]);
  await client.doc("many/a").set({ n: 9 });
  expect((await untilSnapshot(stream)).told.sort()).toEqual(["a in 2", "a in 6", "a out of 4"]);
  stream.send({ database, removeTarget: 2 });
  expect((await untilSnapshot(stream)).told).toEqual(["REMOVE 2"]);
  await client.doc("many/a").delete();
  expect((await untilSnapshot(stream)).told).toEqual(["a deleted from 6"]);
  add(8, { query: { parent, structuredQuery: {} } });
  expect((await untilSnapshot(stream)).told).toEqual(["REMOVE 8 3"]);
  stream.end();
});

test("a target resumes from its token, and starts over from a token of elsewhere", async () => {
  const database = databaseOf(client);
  const query = { parent: `${database}/documents`, structuredQuery: { from: [{ collectionId: "again" }] } };
  for (const id of ["a", "b", "c"]) await client.doc(`again/${id}`).set({ n: 1 });
  const stream = firestore.open("Listen");
  stream.send({ database, addTarget: { targetId: 1, query } });
  const { token } = await untilSnapshot(stream);
  stream.send({ database, removeTarget: 1 });
  await untilSnapshot(stream);
  await client.doc("again/b").delete();
  await client.doc("again/c").set({ n: 2 });
  await client.doc("again/d").set({ n: 1 });
  await client.doc("again/d").delete();
  stream.send({
    database,
    addTarget: { targetId: 3, query, resumeToken: token, expectedCount: { value: 3 } },
  });
  const resumed = await untilSnapshot(stream);
  expect(resumed.told).toEqual(["ADD 3", "b deleted from 3", "c in 3", "2 in 3", "CURRENT 3"]);
  stream.send({ database, addTarget: { targetId: 5, query, resumeToken: Buffer.alloc(16, 7) } });
  const restarted = await untilSnapshot(stream);
  expect(restarted.told).toEqual(["ADD 5", "RESET 5", "a in 5", "c in 5", "CURRENT 5"]);
  stream.end();
});
