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
