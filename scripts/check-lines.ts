import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { COLUMNS_MAX, longLines } from "./long-lines.ts";

/** `node scripts/check-lines.ts`: fails for each comment and line of prose that is too wide. */
const files = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
  encoding: "utf8",
});
for (const path of files.split("\0").filter((name) => name !== "")) {
  for (const line of longLines(path, readFileSync(path, "utf8"))) {
    console.error(`${path}:${line}: wider than ${COLUMNS_MAX} columns`);
    process.exitCode = 1;
  }
}
