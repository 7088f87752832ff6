import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Database, openDatabase } from "./database.ts";

let folder: string;
let path: string;
let database: Database;
let losses: number;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "database-"));
  path = join(folder, "some.sqlite");
  losses = 0;
  database = openDatabase(path, () => {
    losses += 1;
  });
  database.sql.exec("CREATE TABLE words (word TEXT NOT NULL)");
});
afterEach(() => {
  database.close();
  rmSync(folder, { recursive: true });
});

const add = (word: string): Promise<unknown> =>
  database.write(() => database.sql.prepare("INSERT INTO words VALUES (?)").run(word));

/** What another process would find. */
function kept(): unknown[] {
  const reader = new DatabaseSync(path);
  const rows = reader.prepare("SELECT word FROM words ORDER BY rowid").all();
  reader.close();
  return rows.map(({ word }) => word);
}

const statuses = async (writes: readonly Promise<unknown>[]): Promise<string[]> =>
  (await Promise.allSettled(writes)).map((write) =>
    write.status === "rejected" ? String(write.reason) : "kept",
  );

test("writes of one turn are kept together, and a failed one takes nothing with it", async () => {
  const failing = database.write(() => {
    database.sql.exec("INSERT INTO words VALUES ('half')");
    throw new Error("No.");
  });
  expect(await statuses([add("one"), failing, add("two")])).toEqual(["kept", "Error: No.", "kept"]);
  expect(kept()).toEqual(["one", "two"]);
  expect(losses).toBe(0);
});

test("a disk that is full in the middle of a write is answered with UNAVAILABLE, and with space all goes on", async () => {
  await add("before");
  const { page_count: pages } = database.sql.prepare("PRAGMA page_count").get() as { page_count: number };
  database.sql.exec(`PRAGMA max_page_count = ${pages}`);
  const large = "x".repeat(100_000);
  const [small, refused] = await Promise.allSettled([add("small"), add(large)]);
  expect(refused).toMatchObject({ status: "rejected", reason: { code: "UNAVAILABLE" } });
  // Whether SQLite took back the write or the whole group, what was answered is true.
  const expected = small.status === "fulfilled" ? ["before", "small"] : ["before"];
  expect(kept()).toEqual(expected);
  database.sql.exec("PRAGMA max_page_count = 100000");
  await add(large);
  expect(kept()).toEqual([...expected, large]);
});

test("a group that SQLite took back as a whole is lost as a whole", async () => {
  const one = add("one");
  // What SQLite does by itself when the disk fails in the middle of a write.
  const broken = database.write(() => {
    database.sql.exec("ROLLBACK");
    throw Object.assign(new Error("disk I/O error"), { errcode: 10 });
  });
  const after = add("after");
  expect(await Promise.allSettled([one, broken])).toMatchObject([
    { status: "rejected", reason: { code: "UNAVAILABLE" } },
    { status: "rejected", reason: { code: "UNAVAILABLE" } },
  ]);
  await after;
  expect(kept()).toEqual(["after"]);
  expect(losses).toBe(1);
});

test("a file that another process has locked refuses writes until it is free", async () => {
  const other = new DatabaseSync(path);
  other.exec("BEGIN IMMEDIATE");
  await expect(add("refused")).rejects.toMatchObject({ code: "UNAVAILABLE" });
  other.exec("ROLLBACK");
  other.close();
  await add("accepted");
  expect(kept()).toEqual(["accepted"]);
});
