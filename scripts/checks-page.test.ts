import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CHECK_STEPS } from "./check-steps.ts";

/** What the checks of the page read. */
const SOURCES = ["tsconfig.json", ".oxlintrc.json", "page", "emulators/local/console", "shared", "scripts"];
const BIN = resolve("node_modules/.bin");

let copy: string;
beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), "page-checks-"));
  for (const path of SOURCES) cpSync(path, join(copy, path), { recursive: true });
  symlinkSync(resolve("node_modules"), join(copy, "node_modules"), "dir");
});
afterAll(() => rmSync(copy, { recursive: true, force: true }));

function run(
  command: string,
  ...args: string[]
): { readonly status: number | null; readonly output: string } {
  const { status, stdout, stderr } = spawnSync(join(BIN, command), args, { cwd: copy, encoding: "utf8" });
  return { status, output: stdout + stderr };
}

function plant(path: string, source: string): Disposable {
  writeFileSync(join(copy, path), source);
  return { [Symbol.dispose]: () => rmSync(join(copy, path)) };
}

test("all that violations are planted for is part of the check", () => {
  const steps = CHECK_STEPS.map((step) => step.join(" "));
  expect(steps).toEqual([
    "tsc -p .",
    "tsc -p page",
    "oxlint",
    "oxfmt --check .",
    "node scripts/check-lines.ts",
    "npm test --",
  ]);
});

test("the types of the page and of the console are right", () => {
  expect(run("tsc", "-p", "page")).toEqual({ status: 0, output: "" });
});

test.each(["page/chat/planted.ts", "page/planted.ts", "emulators/local/console/operations/planted.ts"])(
  "an undefined call and a wrong type are errors in %s",
  (path) => {
    using _ = plant(path, "nowhereToBeFound();\nexport const wrong: string = 1;\n");
    const { status, output } = run("tsc", "-p", "page");
    expect(status).not.toBe(0);
    expect(output).toContain(`${path}(1,1): error TS2304`);
    expect(output).toContain(`${path}(2,14): error TS2322`);
  },
);

test.each(["page/chat/planted.ts", "emulators/local/console/planted.ts"])(
  "a promise that nobody waits for is an error of oxlint in %s",
  (path) => {
    using _ = plant(path, 'export function leave(): void {\n  fetch("/");\n}\n');
    const { status, output } = run("oxlint", path);
    expect(status).not.toBe(0);
    expect(output).toContain("no-floating-promises");
  },
);
