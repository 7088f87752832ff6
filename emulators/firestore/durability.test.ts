import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { Firestore } from "@google-cloud/firestore";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createClock } from "../kernel/clock.ts";
import { createPhysics } from "../kernel/physics.ts";
import { refuseFlushes } from "../kernel/testing/refusing-file.ts";
import { parseQuery } from "./query.ts";
import { FirestoreState } from "./state.ts";
import { databaseOf, startFirestore } from "./testing.ts";
import { parseWrite } from "./write-parse.ts";

const UNAVAILABLE = 14;
let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "firestore-"));
  path = join(folder, "firestore.sqlite");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const PROGRAM = `
  import { startFirestore } from ${JSON.stringify(new URL("testing.ts", import.meta.url).href)};
  const { server } = await startFirestore({ path: process.argv[1] });
  console.log(server.port);
`;

async function startProcess(): Promise<{ child: ChildProcess; port: number }> {
  const cwd = fileURLToPath(new URL("./", import.meta.url));
  const child = spawn(process.execPath, ["--input-type=module", "--eval", PROGRAM, path], { cwd });
  const port = await new Promise<number>((resolve, reject) => {
    child.stdout?.once("data", (line: Buffer) => resolve(Number(line.toString())));
    child.once("exit", (code) => reject(new Error(`The emulator ended with ${code}.`)));
  });
  return { child, port };
}

test("what was acknowledged survives kill -9, with its index entries", async () => {
  const { child, port } = await startProcess();
  const client = new Firestore({
    projectId: "killed",
    host: `127.0.0.1:${port}`,
    ssl: false,
    customHeaders: { Authorization: "Bearer owner" },
  });
  const acknowledged = new Set<string>();
  const ended = once(child, "exit");
  const write = async (lane: number): Promise<void> => {
    for (let i = 0; ; i += 1) {
      const id = `${lane}-${i}`;
      await client.doc(`items/${id}`).create({ lane, i, tags: [`lane-${lane}`] });
      acknowledged.add(id);
      if (acknowledged.size === 600) child.kill("SIGKILL");
    }
  };
  // What was under way when the process died would be retried for minutes, so nobody waits for it.
  for (let lane = 0; lane < 16; lane += 1) write(lane).catch(() => undefined);
  await ended;
  void client.terminate();

  await using firestore = await startFirestore({ path });
  const reader = firestore.client({ projectId: "killed" });
  const stored = new Set((await reader.collection("items").select().get()).docs.map(({ id }) => id));
  expect([...acknowledged].filter((id) => !stored.has(id))).toEqual([]);
  const byIndex = await reader.collection("items").where("i", ">=", 0).count().get();
  expect(byIndex.data().count).toBe(stored.size);
  const byTag = await reader.collection("items").where("tags", "array-contains", "lane-3").count().get();
  expect(byTag.data().count).toBe([...stored].filter((id) => id.startsWith("3-")).length);
});

test("times go on growing after a restart, even when the clock was ahead before", async () => {
  const first = await startFirestore({ path });
  first.kernel.clock.advance(3_600_000);
  const { writeTime } = await first.client({ projectId: "p" }).doc("a/b").set({ n: 1 });
  await first.stop();
  await using second = await startFirestore({ path });
  const client = second.client({ projectId: "p" });
  const later = await client.doc("a/b").set({ n: 2 });
  expect(later.writeTime.valueOf() > writeTime.valueOf()).toBe(true);
  expect((await client.doc("a/b").get()).data()).toEqual({ n: 2 });
});

test("a flush that fails takes back the whole group, and what follows is right", async () => {
  const clock = createClock();
  const state = new FirestoreState({ clock, physics: createPhysics() }, path, undefined);
  const name = "projects/p/databases/d";
  const published: string[] = [];
  state.published = (_database, changes) => published.push(...changes.map((change) => change.name));
  const signal = (): AbortSignal => new AbortController().signal;
  const database = state.store.databaseRow(name);
  const create = (id: string): Promise<unknown> => {
    const update = { name: `${name}/documents/${id}`, fields: [] };
    const currentDocument = { conditionType: "exists", exists: false };
    return state.commit(
      database,
      [parseWrite({ operation: "update", update, currentDocument }, name)],
      undefined,
      signal,
    );
  };
  const namesIn = (collectionId: string): string[] => {
    const query = parseQuery({ database: name, document: "" }, { from: [{ collectionId }], offset: 0 });
    const run = state.engine.run(query, state.readTime(database));
    const names: string[] = [];
    for (let found = run.next(); found !== undefined; found = run.next()) names.push(found.idText);
    return names;
  };
  // A reference that leads nowhere is noticed when the group is committed, as a full disk is.
  const { sql } = state.store.database;
  sql.exec(
    "PRAGMA foreign_keys = ON; CREATE TABLE broken (id INTEGER PRIMARY KEY, next INTEGER REFERENCES broken DEFERRABLE INITIALLY DEFERRED)",
  );
  const breaking = state.store.database.write(() => sql.exec("INSERT INTO broken VALUES (1, 2)"));
  const lost = Promise.allSettled([breaking, create("fresh/one"), create("fresh/two")]);
  expect((await lost).map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
  expect(published).toEqual([]);
  expect(namesIn("fresh")).toEqual([]);
  await create("fresh/two");
  await create("other/three");
  expect(namesIn("fresh")).toEqual(["two"]);
  expect(namesIn("other")).toEqual(["three"]);
  expect(published).toEqual([`${name}/documents/fresh/two`, `${name}/documents/other/three`]);
  state.close();
  clock.stop();
});

/** How many collections have entries that are still to be written. */
function unsettledCollections(): number {
  const database = new DatabaseSync(path, { readOnly: true });
  const { n } = database.prepare("SELECT count(*) AS n FROM unsettled").get() as { n: number };
  database.close();
  return n;
}

test("what the disk refuses is answered with UNAVAILABLE, queries of what it keeps from the indexes too", async () => {
  await using firestore = await startFirestore({ path });
  const database = databaseOf(firestore.client());
  const set = (id: string): Promise<unknown> => {
    const update = { name: `${database}/documents/items/${id}`, fields: { n: { integerValue: 1 } } };
    return firestore.call("Commit", { database, writes: [{ update }] });
  };
  const ids = async (): Promise<string[]> => {
    const where = { fieldFilter: { field: { fieldPath: "n" }, op: "EQUAL", value: { integerValue: 1 } } };
    const structuredQuery = { from: [{ collectionId: "items" }], where };
    const found = await firestore.call("RunQuery", { parent: `${database}/documents`, structuredQuery });
    return found.flatMap(({ document }) => (document ? [document.name.split("/").at(-1)] : []));
  };
  await set("a");
  expect(await ids()).toEqual(["a"]);
  // The entries of "a" that no query needed are written in an idle moment, perhaps together with the next
  // commit.
  await expect.poll(unsettledCollections).toBe(0);
  const acceptEntries = refuseFlushes(path, ["entries"]);
  await set("b");
  await expect(ids()).rejects.toMatchObject({ code: UNAVAILABLE });
  acceptEntries();
  expect(await ids()).toEqual(["a", "b"]);
});

test("a commit that the disk refuses leaves nothing behind and can be made again", async () => {
  await using firestore = await startFirestore({ path });
  const client = firestore.client();
  const database = databaseOf(client);
  const count = async (): Promise<number> => (await client.collection("items").count().get()).data().count;
  const create = (id: string): Promise<unknown> => {
    const update = { name: `${database}/documents/items/${id}`, fields: {} };
    const writes = [{ update, currentDocument: { exists: false } }];
    return firestore.call("Commit", { database, writes });
  };
  await create("a");
  expect(await count()).toBe(1);
  const accept = refuseFlushes(path, ["documents"]);
  await expect(create("b")).rejects.toMatchObject({ code: UNAVAILABLE });
  accept();
  expect(await count()).toBe(1);
  await create("b");
  expect(await count()).toBe(2);
  await client.doc("items/a").delete();
  expect(await count()).toBe(1);
});
