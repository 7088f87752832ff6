import { join } from "node:path";
import { defineConfig } from "vitest/config";

/** Longer tests: whole sweeps, judges from the registry. `npm run test:full` runs them. */
export const FULL_TESTS = "**/*.full.test.ts";

/**
 * Each worker runs several files, so that the suite and Google's clients load once in it. The emulators'
 * tests have workers of their own: they make clients of several servers, and the others point the
 * process's environment at one.
 */
export default defineConfig({
  test: {
    projects: [
      { extends: true, test: { name: "emulators", include: ["emulators/**/*.test.ts"] } },
      {
        extends: true,
        test: { name: "system", include: ["{functions,shared,scripts,bench,terraform,page}/**/*.test.ts"] },
      },
    ],
    exclude: [FULL_TESTS, "**/node_modules/**"],
    pool: "forks",
    // One more than the two cores that are reckoned with, as every third second of a test is waiting.
    maxWorkers: 3,
    // Young objects of many requests at once die before they have to be moved.
    execArgv: ["--max-semi-space-size=32"],
    isolate: false,
    env: {
      // Google's clients otherwise look for a metadata server in every process.
      METADATA_SERVER_DETECTION: "none",
      // Tests start many processes; what one has compiled the others need not.
      NODE_COMPILE_CACHE: join(import.meta.dirname, "node_modules/.cache/compiled"),
    },
    // Tests that say they may run side by side mostly wait.
    maxConcurrency: 10,
    // What is polled for comes from elsewhere: it is waited for, and not bet on.
    expect: { poll: { interval: 10, timeout: 20_000 } },
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
