import { globSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

/** By the first part, which says what kind of thing an id is derived for. */
const derived = new Set(
  globSync("{shared,functions}/**/*.ts", { exclude: ["**/node_modules/**", "**/*.test.ts"] }).flatMap(
    (file) =>
      [...readFileSync(file, "utf8").matchAll(/derivedId\(\s*("([a-z-]+)"|\.\.\.[\w.]+)/g)].map(
        ([, spread = "", name]) => name ?? spread.slice(3),
      ),
  ),
);

test("docs/invariants.md says of each derived id what makes it safe, and of no other", () => {
  const [, section = ""] = readFileSync("docs/invariants.md", "utf8").split("## Derived ids");
  const rows = [...section.matchAll(/^\| `([\w.-]+)` \|/gm)].map(([, name]) => name);
  expect(new Set(rows)).toEqual(derived);
  expect(rows).toHaveLength(derived.size);
});
