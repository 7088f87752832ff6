import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const page = readFileSync("docs/security.md", "utf8");
const named = [...page.matchAll(/`((?:functions|shared|terraform|scripts|docs)\/[\w./-]+\.\w+)`/g)].map(
  ([, path = ""]) => path,
);

test("every file that the page of security names is there", () => {
  expect(named.length).toBeGreaterThan(40);
  expect(named.filter((path) => !existsSync(path))).toEqual([]);
});

test("every chapter of the standard has rows, and each says what holds it or that it is not held", () => {
  const rows = page.split("\n").filter((line) => /^\| \d+\.\d/.test(line));
  const chapters = new Set(rows.map((row) => Number(/^\| (\d+)\./.exec(row)?.[1])));
  expect([...chapters].toSorted((a, b) => a - b)).toEqual(Array.from({ length: 17 }, (_, at) => at + 1));
  const unheld = rows.filter((row) => {
    const [, , , heldBy = "", by = ""] = row.split("|").map((cell) => cell.trim());
    return by === "" && !/\bno: |there (?:is|are) none|`/.test(heldBy);
  });
  expect(unheld).toEqual([]);
});

test("each attack that got through has a test, and two of its kind; every test is there", () => {
  const [, section = ""] = page.split("## Attacks that got through once");
  const rows = section.split("\n").filter((line) => /^\| S\d+ /.test(line));
  expect(rows.map((row) => Number(/^\| S(\d+)/.exec(row)?.[1]))).toEqual(
    Array.from({ length: 19 }, (_, at) => at + 1),
  );
  for (const row of rows) {
    const [, , , tests = "", kin = ""] = row.split("|");
    expect([row.slice(0, 8), /`[\w./-]+\.test\.ts`/.test(tests)]).toEqual([row.slice(0, 8), true]);
    expect([row.slice(0, 8), kin.trim() !== ""]).toEqual([row.slice(0, 8), true]);
    const bare = [...row.matchAll(/`([\w-]+\.test\.ts)`/g)].map(([, name = ""]) => name);
    expect(bare.filter((name) => !existsSync(`functions/flows/identity/${name}`))).toEqual([]);
  }
});
