import { cpSync, globSync, rmSync } from "node:fs";
import { join } from "node:path";
import { rolldown } from "rolldown";
import { PAGE_PACKAGES } from "./page-packages.ts";

/** The modules that the HTML files name; each is written under the same path, as JavaScript. */
const ENTRIES = ["page", "operations/operations", "docs/reference"];
const FILES = ["**/*.html", "*.svg", "**/*.css"];

/**
 * Writes the page as any host of static files can serve it: its HTML and CSS as they are, its modules and the
 * client's as JavaScript without types. What the page imports from a suite at run time is not part of it.
 */
export async function buildPage(page: string, out: string): Promise<void> {
  rmSync(out, { recursive: true, force: true });
  for (const file of globSync(FILES, { cwd: page })) cpSync(join(page, file), join(out, file));
  for (const { path, folder, files } of PAGE_PACKAGES) {
    for (const file of files) cpSync(join(folder, file), join(out, path, file));
  }
  const bundle = await rolldown({
    input: Object.fromEntries(ENTRIES.map((name) => [name, join(page, `${name}.ts`)])),
    platform: "browser",
    logLevel: "warn",
  });
  await bundle.write({
    dir: out,
    format: "esm",
    entryFileNames: "[name].js",
    chunkFileNames: "modules/[name]-[hash].js",
  });
  await bundle.close();
}
