import { parseArgs } from "node:util";
import { chaosRun } from "./chaos/run.ts";

/**
 * An hour of misfortune in minutes: load on all functions while calls fail, hang, are applied without an
 * answer and delivered twice, processes are killed and poison is sent; then quiet, and what is left is
 * counted. `--seconds 180 --seed 1`.
 */
const { values } = parseArgs({
  options: { seconds: { type: "string", default: "180" }, seed: { type: "string", default: "1" } },
});
const report = await chaosRun({ seconds: Number(values.seconds), seed: Number(values.seed) });
console.log(JSON.stringify(report, undefined, 2));
process.exit(report.wrong.length === 0 ? 0 : 1);
