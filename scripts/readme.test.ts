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

test("the way of a message in CONTRIBUTING.md is five files, each of which leads to the next", () => {
  const text = readFileSync("CONTRIBUTING.md", "utf8");
  const section = /## The way of a message, in five files\n(.*?)\n## /s.exec(text)?.[1] ?? "";
  const files = [...section.matchAll(/^\d\. `([^`]+)`/gm)].map(([, file = ""]) => file);
  expect(files).toHaveLength(5);
  const [endpoint = "", rule = "", log = "", handler = "", follower = ""] = files.map((file) =>
    readFileSync(file, "utf8"),
  );
  expect(endpoint).toContain("/log/append-message.ts");
  expect(rule).toContain("./chat-log.ts");
  // Between these two stands the event.
  expect(log).toContain('"chat-changes"');
  expect(handler).toContain("ChatChanged");
  expect(handler).toContain("/search/follow-changes.ts");
  expect(follower).toContain("companion");
});
