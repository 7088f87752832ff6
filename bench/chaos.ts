import { parseArgs } from "node:util";
import { chaosRun } from "./chaos/run.ts";

/**
 * Puts load on all functions while calls fail, hang, are applied without an answer and are delivered twice,
 * while processes are killed, frozen, begun and ended, and poison is sent. Then it lets everything come to
 * rest and counts what is left. `--seconds 180 --seed 1`.
 */
const { values } = parseArgs({
  options: { seconds: { type: "string", default: "180" }, seed: { type: "string", default: "1" } },
});
const report = await chaosRun({ seconds: Number(values.seconds), seed: Number(values.seed) });
console.log(JSON.stringify(report, undefined, 2));
process.exit(report.wrong.length === 0 ? 0 : 1);
