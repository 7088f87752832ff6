import { spawnSync } from "node:child_process";

/**
 * `npm run check [-- OPTIONS OF VITEST]`: everything that has to be green but for the build. Each step runs
 * even if one before it failed, so that one run tells all.
 */
const STEPS: readonly (readonly string[])[] = [
  ["tsc", "-p", "."],
  ["tsc", "-p", "page"],
  ["oxlint"],
  ["oxfmt", "--check", "."],
  ["npm", "test", "--", ...process.argv.slice(2)],
];

const failed = STEPS.filter(([command = "", ...args]) => {
  const { status } = spawnSync(command, args, { stdio: "inherit", shell: process.platform === "win32" });
  return status !== 0;
});
for (const step of failed) console.error(`failed: ${step.join(" ")}`);
process.exitCode = failed.length === 0 ? 0 : 1;
