// Runs before start, test and the other commands, with whatever Node the machine has: installs the
// packages when they are missing or not those of package-lock.json.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";

const NODE_MAJOR_MIN = 20;
const STAMP = "node_modules/.installed-lock";

if (Number(process.versions.node.split(".")[0]) < NODE_MAJOR_MIN) {
  console.error(
    `Scrollback needs Node ${NODE_MAJOR_MIN} or later to install itself; this is ${process.version}.`,
  );
  process.exit(1);
}

const lock = createHash("sha256").update(readFileSync("package-lock.json")).digest("hex");
if (readStamp() !== lock) {
  console.log("Installing packages (once) …");
  // Not `npm ci`: it refuses a lock file without the binaries of platforms that a registry does not carry.
  // The clients declare Node 22; npm brings Node 24 with this very install, so that warning is moot.
  const result = spawnSync("npm", ["install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error"], {
    stdio: "inherit",
    shell: process.platform === "win32",
  });
  if (result.status !== 0) process.exit(result.status ?? 1);
  mkdirSync("node_modules", { recursive: true });
  writeFileSync(STAMP, lock);
}

function readStamp() {
  try {
    return readFileSync(STAMP, "utf8");
  } catch {
    return "";
  }
}
