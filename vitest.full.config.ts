import { join } from "node:path";
import { defineConfig } from "vitest/config";
import base, { FULL_TESTS } from "./vitest.config.ts";

/** What `npm test` goes through in part. */
const SWEEPS = [
  "bench/crash.test.ts",
  "functions/**/*{answer-moderation,faults,kills,branches,convergence,message-blocks,people-model,replays,providers,recall,scheduled,sweeps}.test.ts",
];

const { projects: _, ...shared } = base.test ?? {};

/**
 * `npm run test:full`: what takes longer than a developer waits. `FULL_SWEEP=2/3` goes through the second of
 * three parts of the sweeps in place of all (shared/testing/sweep.ts).
 */
export default defineConfig({
  // Wherever a test stands, its judge is that of bench/judges.
  resolve: { alias: { openai: join(import.meta.dirname, "bench/judges/node_modules/openai") } },
  test: {
    ...shared,
    include: [FULL_TESTS, ...SWEEPS],
    env: { ...shared.env, SWEEP: process.env["FULL_SWEEP"] ?? "whole" },
    exclude: ["**/node_modules/**"],
    testTimeout: 600_000,
  },
});
