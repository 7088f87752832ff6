import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { seededRandom } from "../shared/testing/seeded-random.ts";
import { crashRounds } from "./crash.ts";

/**
 * Kills the emulators under load, `--rounds` times, and prints what was lost: `node bench/kill.ts --seed 1`.
 */

const { values } = parseArgs({
  options: { rounds: { type: "string", default: "100" }, seed: { type: "string", default: "1" } },
});
const folder = mkdtempSync(join(tmpdir(), "crash-"));
const report = await crashRounds(
  folder,
  Number(values.rounds),
  seededRandom(Number(values.seed)),
  (round) => {
    if (process.stderr.isTTY) process.stderr.write(`\rround ${round + 1}`);
  },
);
rmSync(folder, { recursive: true });
console.log(JSON.stringify(report, undefined, 2));
process.exit(report.faults.length === 0 ? 0 : 1);
