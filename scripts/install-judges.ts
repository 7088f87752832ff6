import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";

/** Installs the judges once; they are large, and only the full tests want them. */
export function installJudges(): void {
  const folder = join(import.meta.dirname, "../bench/judges");
  if (existsSync(join(folder, "node_modules/.package-lock.json"))) return;
  const { status } = spawnSync("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: folder,
    stdio: "inherit",
    shell: process.platform === "win32",
  });
  if (status !== 0) throw new Error("The judges could not be installed.");
}
