import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * Writes the package's JavaScript and its declarations to dist/, for `npm pack`: Node strips no types inside
 * node_modules. Types become blanks and the endings of imports keep their length, so each line and column of
 * a stack trace is that of the source.
 */
const ROOT = fileURLToPath(new URL("..", import.meta.url));
const DIST = join(ROOT, "dist");
const COMMAND = "cli/start.js";

/** What is not part of the package: the system that runs on the emulators, tests, and this script. */
const EXCLUDED = /^(local|scripts|dist|node_modules)\/|\.(test|child)\.ts$|(^|\/)testing(\/|\.ts$)/;

const sources = globSync("**/*.ts", { cwd: ROOT })
  .map((path) => path.replaceAll("\\", "/"))
  .filter((path) => !EXCLUDED.test(path));

rmSync(DIST, { recursive: true, force: true });
for (const path of sources) {
  const target = join(DIST, path.replace(/\.ts$/, ".js"));
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, withJsImports(withoutTypes(readFileSync(join(ROOT, path), "utf8"))));
}
chmodSync(join(DIST, COMMAND), 0o755);

const declarations = spawnSync("tsc", ["-p", "tsconfig.build.json"], {
  cwd: ROOT,
  stdio: "inherit",
  shell: process.platform === "win32",
});
if (declarations.status !== 0) process.exit(1);
for (const path of globSync("**/*.d.ts", { cwd: DIST })) {
  const file = join(DIST, path);
  writeFileSync(file, withJsImports(readFileSync(file, "utf8")));
}
// Each README's tables say what its emulator serves and where it deviates.
for (const path of globSync("*/README.md", { cwd: ROOT })) {
  if (!EXCLUDED.test(path)) cpSync(join(ROOT, path), join(DIST, path));
}

/** Node takes a first line that names an interpreter for code when it strips types, so it is kept apart. */
function withoutTypes(source: string): string {
  const [interpreter = ""] = /^#!.*\n/.exec(source) ?? [];
  return interpreter + stripTypeScriptTypes(source.slice(interpreter.length), { mode: "strip" });
}

function withJsImports(code: string): string {
  return code.replaceAll(/((?:\bfrom|\bimport)\s*\(?\s*"\.{1,2}\/[^"]+)\.ts"/g, '$1.js"');
}
