import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import packageJson from "../package.json" with { type: "json" };

/** What npm runs by itself. */
const HOOKS = ["prepare"];

test("README.md tells of every command of package.json, and of no other", () => {
  const text = readFileSync("README.md", "utf8");
  const told = [...text.matchAll(/\bnpm (?:run ([\w:-]+)|(start|test)\b)/g)].map(
    ([, run, short]) => run ?? short,
  );
  const commands = Object.keys(packageJson.scripts).filter((name) => !HOOKS.includes(name));
  expect(new Set(told)).toEqual(new Set(commands));
});
