// npm runs this after `npm install` and `npm ci` (the script "prepare"). It needs no package and runs on any
// Node.
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const MODULES = "node_modules";
const STAMP = join(MODULES, ".installed-lock");

/** Leaves out what nothing here needs, and notes which lock file is installed. */
export function finishInstall() {
  mkdirSync(MODULES, { recursive: true });
  removeNodeHeaders();
  writeFileSync(STAMP, lockHash());
}

/** Whether the packages of package-lock.json, and no others, have been installed. */
export function isInstalled() {
  try {
    return readFileSync(STAMP, "utf8") === lockHash();
  } catch {
    return false;
  }
}

function lockHash() {
  return createHash("sha256").update(readFileSync("package-lock.json")).digest("hex");
}

/** C++ headers are a third of the package that brings Node, and no package here compiles native code. */
function removeNodeHeaders() {
  for (const name of readdirSync(MODULES)) {
    if (/^node-(bin-)?(linux|darwin|win)/.test(name)) {
      rmSync(join(MODULES, name, "include"), { recursive: true, force: true });
    }
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) finishInstall();
