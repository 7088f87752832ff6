import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { benchArrays, benchThroughput } from "./emulator-commits.ts";
import type { Finding } from "./emulator-load.ts";
import { benchQueries } from "./emulator-queries.ts";

/**
 * What the Firestore emulator's storage costs, as ratios of something else on the same machine: `node
 * bench/emulators.ts [--documents 1000000]`, or `npm run bench -- emulators`. Exits with 1 where a goal is
 * missed.
 */
const { values } = parseArgs({
  allowPositionals: true,
  options: { documents: { type: "string", default: "1000000" } },
});

function print(findings: readonly Finding[]): void {
  const rows = findings.map(({ what, measured, beside, ratio, goal, met }) => [
    what,
    measured,
    beside,
    ratio === undefined ? "" : `${ratio.toFixed(2)}×`,
    goal,
    met ? "met" : "MISSED",
  ]);
  const table = [["", "measured", "beside", "ratio", "goal", ""], ...rows];
  const widths = (table[0] as string[]).map((_, column) =>
    Math.max(...table.map((row) => row[column]?.length ?? 0)),
  );
  for (const row of table) {
    console.log(
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    );
  }
}

const startedMs = performance.now();
const tell = (text: string): void =>
  console.error(`  ${((performance.now() - startedMs) / 1000).toFixed(0)} s  ${text}`);

const root = mkdtempSync(join(tmpdir(), "scrollback-bench-"));
const folder = (name: string): string => {
  const path = join(root, name);
  mkdirSync(path);
  return path;
};
try {
  const findings = [
    ...(await benchArrays(folder("arrays"), tell)),
    await benchThroughput(folder("throughput"), tell),
    ...(await benchQueries(folder("queries"), Number(values.documents), tell)),
  ];
  print(findings);
  console.log(
    `\n${availableParallelism()} cores, shared by emulator and client. Each emulator is a process of its own, with the flags of npm start.`,
  );
  process.exitCode = findings.every(({ met }) => met) ? 0 : 1;
} finally {
  rmSync(root, { recursive: true, force: true });
}
