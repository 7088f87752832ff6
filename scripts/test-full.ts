import { spawnSync } from "node:child_process";
import { installJudges } from "./install-judges.ts";

/**
 * `npm run test:full [-- OPTIONS OF VITEST]`: the judges' types, then every test that `npm test` leaves out
 * for its length.
 */
installJudges();
const steps = [
  ["tsc", "-p", "bench/judges"],
  ["vitest", "run", "--config", "vitest.full.config.ts", ...process.argv.slice(2)],
];
for (const [command = "", ...args] of steps) {
  const { status } = spawnSync(command, args, { stdio: "inherit", shell: process.platform === "win32" });
  if (status !== 0) process.exitCode = 1;
}
