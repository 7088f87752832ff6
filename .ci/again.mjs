// `node .ci/again.mjs FOLDER`: runs the test files that failed once more, each by itself. A machine that is
// slow for a moment fails a test once, a fault fails it again. Writes what came of it beside vitest's reports
// (`{step}-again.json`); the summary counts by it, and names every test that passed the second time only.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { CONFIGS, failedFiles } from "./reports.mjs";

/** More files than this don't fail by chance. */
const FILES_MAX = 8;
const [folder = "."] = process.argv.slice(2);

for (const [step, config] of Object.entries(CONFIGS)) {
  const path = join(folder, `${step}.json`);
  if (!existsSync(path)) continue;
  const files = failedFiles(JSON.parse(readFileSync(path, "utf8")));
  if (files.length === 0 || files.length > FILES_MAX) continue;
  console.log(`\n${step}: once more, by themselves: ${files.map((file) => relative("", file)).join(", ")}`);
  const report = join(folder, `${step}-again.json`);
  const options = ["--config", config, "--maxWorkers=1", "--reporter=default", "--reporter=json"];
  spawnSync("npm", ["exec", "--", "vitest", "run", ...options, `--outputFile.json=${report}`, ...files], {
    stdio: "inherit",
    shell: process.platform === "win32",
  });
}
