import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

/** Those of docs/glossary.md, "Words that are not used", as they would stand in a file. */
const RETIRED: Readonly<Record<string, RegExp>> = {
  door: /\bdoors?\b/i,
  "`Asked`": /\b(?:interface|type|class) Asked\b/,
  "`insteadOf()`, `look()`, `reach()`, `store()`": /\bfunction (?:insteadOf|look|reach|store)\(/,
  "`Answer` for what an HTTP request gets": /\b(?:interface|type|class) Answer</,
};

/** What people say to a model, and the words of languages: these are data. And what names the words. */
const EXCEPT = new Set([
  "docs/glossary.md",
  "scripts/classifier-examples.ts",
  "scripts/retired-words.test.ts",
  "shared/classifier/language-samples.ts",
  "shared/classifier/own-questions.ts",
]);

const retiredIn = (text: string): string[] =>
  Object.entries(RETIRED).flatMap(([word, pattern]) => (pattern.test(text) ? [word] : []));

test("the glossary's words that are not used stand nowhere", () => {
  const names = execFileSync("git", ["ls-files", "-z", "*.ts", "*.mjs", "*.md", "*.tf", "*.yaml"]);
  const files = names.toString().split("\0");
  const found = files
    .filter((file) => file !== "" && !EXCEPT.has(file))
    .flatMap((file) => retiredIn(readFileSync(file, "utf8")).map((word) => `${file}: ${word}`));
  expect(found).toEqual([]);
});

test("each of them is looked for, and is found where it is planted", () => {
  const section = readFileSync("docs/glossary.md", "utf8").split("## Words that are not used")[1] ?? "";
  const rows = [...section.matchAll(/^\| (.+?) \| .+ \|$/gm)].map(([, word]) => word);
  expect(rows.slice(1)).toEqual(Object.keys(RETIRED));
  expect(retiredIn("// Whoever is at the door.")).toEqual(["door"]);
  expect(retiredIn("export interface Asked {")).toEqual(["`Asked`"]);
  expect(retiredIn("async function look(at: string)")).toEqual([Object.keys(RETIRED)[2]]);
  expect(retiredIn("export interface Answer<T> {")).toEqual([Object.keys(RETIRED)[3]]);
});
