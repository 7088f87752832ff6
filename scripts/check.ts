import { spawnSync } from "node:child_process";
import { CHECK_STEPS } from "./check-steps.ts";

/**
 * `npm run check [-- OPTIONS OF VITEST]`: everything that has to be green but for the build. Each step runs
 * even if one before it failed, so that one run tells all.
 */
const options = process.argv.slice(2);
const failed = CHECK_STEPS.filter(([command = "", ...args]) => {
  const given = command === "npm" ? [...args, ...options] : args;
  const { status } = spawnSync(command, given, { stdio: "inherit", shell: process.platform === "win32" });
  return status !== 0;
});
for (const step of failed) console.error(`failed: ${step.join(" ")}`);
process.exitCode = failed.length === 0 ? 0 : 1;
