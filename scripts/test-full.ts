import { spawnSync } from "node:child_process";
import { installJudges } from "./install-judges.ts";

/**
 * `npm run test:full [-- OPTIONS OF VITEST]`: the judges' types, among them those of a client made from the
 * API's description, then every test that `npm test` leaves out for its length, and journeys in cloud mode.
 */
installJudges();
const GENERATOR = "bench/judges/node_modules/openapi-typescript/bin/cli.js";
const DESCRIPTION = "functions/http/openapi/openapi.json";
const options = process.argv.slice(2);
/** Each run writes a report of its own. */
const optionsInCloud = options.map((option) =>
  option.replace(/^(--outputFile\.json=.*)\.json$/, "$1-cloud.json"),
);
const steps = [
  ["node", GENERATOR, DESCRIPTION, "--output", "bench/judges/generated/api.d.ts"],
  ["tsc", "-p", "bench/judges"],
  ["vitest", "run", "--config", "vitest.full.config.ts", ...options],
  ["vitest", "run", "--config", "vitest.cloud.config.ts", "--passWithNoTests", ...optionsInCloud],
];
const failed = steps.filter(([command = "", ...args]) => {
  const { status } = spawnSync(command, args, { stdio: "inherit", shell: process.platform === "win32" });
  return status !== 0;
});
for (const step of failed) console.error(`failed: ${step.join(" ")}`);
process.exitCode = failed.length === 0 ? 0 : 1;
