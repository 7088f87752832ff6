import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const page = readFileSync("docs/cloud.md", "utf8");
const rows = page.split("\n").filter((line) => /^\| [CS]\d+ /.test(line));

/** "`file`: some words of a title; of another; `file`: …" */
function namedIn(text: string): [file: string, words: string][] {
  return text.split(/(?=`)(?=`[\w/.-]+\.test\.ts`)/).flatMap((part) => {
    const [, file, titles = ""] = /^`([\w/.-]+\.test\.ts)`: (.*)$/s.exec(part.trim()) ?? [];
    if (file === undefined) return [];
    const words = titles.split(";").map((title) => title.trim().replace(/[.)]+$/, ""));
    return words.filter((each) => each !== "").map((each): [string, string] => [file, each]);
  });
}

const one = (text: string): string => text.replaceAll(/\s+/g, " ");

test("each row of what the cloud would refuse names tests that are there", () => {
  expect(rows.length).toBeGreaterThan(10);
  for (const row of rows) {
    const named = namedIn(row.split("|")[4] ?? "");
    expect([row.slice(2, 5), named.length > 0]).toEqual([row.slice(2, 5), true]);
    for (const [file, words] of named) {
      expect([file, words, one(readFileSync(file, "utf8")).includes(words)]).toEqual([file, words, true]);
    }
  }
});

test("so do the words below the table", () => {
  const [, below = ""] = page.split("Beside them: ");
  const [paragraph = ""] = below.split("\n\n");
  const named = namedIn(one(paragraph).replace(/^.*?(?=`)/, ""));
  expect(named).toHaveLength(2);
  for (const [file, words] of named) expect(one(readFileSync(file, "utf8"))).toContain(words);
});
