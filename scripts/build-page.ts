import { cpSync, globSync, rmSync } from "node:fs";
import { join } from "node:path";
import { rolldown } from "rolldown";

/** The modules that the HTML files name; each is written under the same path, as JavaScript. */
const ENTRIES = ["page", "operations/operations"];
const FILES = ["*.html", "*.svg", "**/*.css"];

/**
 * Writes the page as any host of static files can serve it: its HTML and CSS as they are, its modules and the
 * client's as JavaScript without types. What the page imports from a suite at run time is not part of it.
 */
export async function buildPage(page: string, out: string): Promise<void> {
  rmSync(out, { recursive: true, force: true });
  for (const file of globSync(FILES, { cwd: page })) cpSync(join(page, file), join(out, file));
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
