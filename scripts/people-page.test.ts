import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const page = readFileSync("docs/people.md", "utf8");
const ROWS = 26;
/** A test's file, and what it is called there. */
const NAMED = /`([\w./-]+\.test\.ts)` “([^”]+)”/g;
const testsIn = (cell: string): { file: string; title: string }[] =>
  [...cell.matchAll(NAMED)].map(([, file = "", title = ""]) => ({ file, title }));
const rows = page
  .split("\n")
  .filter((line) => /^\| P\d+ /.test(line))
  .map((line) => line.split(" | "));

test("each row has a test, and two of its kind with a test each", () => {
  expect(rows.map(([name = ""]) => Number(/^\| P(\d+)/.exec(name)?.[1]))).toEqual(
    Array.from({ length: ROWS }, (_, at) => at + 1),
  );
  for (const [name = "", , tests = "", kin = ""] of rows) {
    expect([name, testsIn(tests).length > 0, testsIn(kin).length]).toEqual([name, true, 2]);
  }
});

test("every test that it names is there, and none is a row's own and its kin too", () => {
  const all = testsIn(page);
  expect(all.length).toBeGreaterThanOrEqual(3 * ROWS);
  const missing = all.filter(
    ({ file, title }) => !existsSync(file) || !readFileSync(file, "utf8").includes(title),
  );
  expect(missing).toEqual([]);
  for (const row of rows) {
    const titles = testsIn(row.join(" | ")).map(({ file, title }) => `${file} ${title}`);
    expect(new Set(titles).size).toBe(titles.length);
  }
});

test("every file that holds a row is there", () => {
  const files = [...page.matchAll(/`((?:functions|shared|scripts)\/[\w./-]+\.ts)`/g)].map(
    ([, file = ""]) => file,
  );
  expect(files.filter((file) => !existsSync(file))).toEqual([]);
});
