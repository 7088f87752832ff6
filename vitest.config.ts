import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["{functions,shared,emulators,scripts,bench}/**/*.test.ts"],
    // One process per core, each running several files: the suite and Google's clients load once.
    pool: "forks",
    maxWorkers: 2,
    isolate: false,
    // Google's clients otherwise look for a metadata server in every process.
    env: { METADATA_SERVER_DETECTION: "none" },
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
