import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { bundleLock, findLocked, type LockFile } from "./bundle-lock.ts";

const project = JSON.parse(readFileSync("package-lock.json", "utf8")) as LockFile;
const { dependencies } = JSON.parse(readFileSync("package.json", "utf8")) as {
  dependencies: Record<string, string>;
};
const FRAMEWORK = "@google-cloud/functions-framework";
const bundle = { name: "scrollback-x", dependencies: { [FRAMEWORK]: dependencies[FRAMEWORK] ?? "" } };

test("what is installed beside a bundle is what the project has locked, and npm finds it whole", () => {
  const lock = bundleLock(project, bundle);
  const { "": root, ...locked } = lock.packages;
  expect(root).toEqual(bundle);
  expect(Object.keys(locked).length).toBeGreaterThan(10);
  for (const [place, entry] of Object.entries(locked)) expect(entry).toEqual(project.packages[place]);
  const folder = mkdtempSync(join(tmpdir(), "bundle-lock-"));
  try {
    writeFileSync(join(folder, "package.json"), JSON.stringify({ ...bundle, private: true }));
    writeFileSync(join(folder, "package-lock.json"), JSON.stringify(lock));
    const listed = execFileSync("npm", ["ls", "--all", "--package-lock-only", "--json"], { cwd: folder });
    const tree = JSON.parse(listed.toString()) as { problems?: string[]; dependencies: object };
    expect(tree.problems).toBeUndefined();
    expect(Object.keys(tree.dependencies)).toEqual([FRAMEWORK]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("the nearest version is taken, as Node does, and a missing package is told", () => {
  const packages = {
    "node_modules/a": { version: "1", dependencies: { b: "2" }, optionalDependencies: { fast: "1" } },
    "node_modules/a/node_modules/b": { version: "2", dependencies: { c: "1" } },
    "node_modules/b": { version: "1" },
    "node_modules/c": { version: "1" },
  };
  const lock = bundleLock({ lockfileVersion: 3, packages }, { name: "x", dependencies: { a: "1" } });
  expect(Object.keys(lock.packages)).toEqual([
    "",
    "node_modules/a",
    "node_modules/a/node_modules/b",
    "node_modules/c",
  ]);
  const lacking = () => bundleLock({ lockfileVersion: 3, packages }, { name: "x", dependencies: { d: "1" } });
  expect(lacking).toThrow("package-lock.json has no d for the bundle");
});

test("the project's lock file has the packages of every platform, so that npm ci works on each", () => {
  const { packages } = project;
  const lacking = Object.entries(packages).flatMap(([place, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies)
      .filter((name) => findLocked(packages, place, name) === undefined)
      .map((name) => `${name} of ${place}`),
  );
  expect(lacking).toEqual([]);
});
