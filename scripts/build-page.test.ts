import { globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildPage } from "./build-page.ts";

let out: string;
beforeAll(async () => {
  out = mkdtempSync(join(tmpdir(), "page-"));
  await buildPage("page", out);
});
afterAll(() => rmSync(out, { recursive: true, force: true }));

const files = (): string[] => globSync("**/*.*", { cwd: out });
const read = (path: string): string => readFileSync(join(out, path), "utf8");

test("every script and style that the HTML names is there", () => {
  for (const page of ["index.html", "operations.html", "docs/index.html"]) {
    const named = [...read(page).matchAll(/(?:src|rel="stylesheet" href)="\/?([^"]+)"/g)].map(
      ([, path = ""]) => path,
    );
    expect(named.length).toBeGreaterThan(3);
    expect(files()).toEqual(expect.arrayContaining(named));
  }
});

test("there is nothing but HTML, styles, pictures and JavaScript", () => {
  expect(files().filter((file) => !/\.(html|css|js|svg)$/.test(file))).toEqual([]);
});

test("there is nothing of the suite in it", () => {
  const all = files().map(read).join("\n");
  expect(all).toContain("/__/suite.json");
  for (const part of ["emulators/", "/control/", "mailbox.ts", ".model-panel", ".waterfall"]) {
    expect(all).not.toContain(part);
  }
});
