import { defineConfig } from "vitest/config";
import base, { FULL_TESTS } from "./vitest.config.ts";

/**
 * What measures or sweeps what instances cost, remember or repeat: with the cloud's latencies it takes
 * minutes, and shows nothing that it does not show without. And what waits for Firestore to delete what has
 * expired, which takes half a day there.
 */
const APART = [
  "functions/flows/**/*{budgets,crowd,faults,kills,limits,model,neighbours,permissions,repeated-requests,sweep,unproved,weights}.test.ts",
  "functions/flows/assistant/{providers,quirks,real-models}.test.ts",
  "functions/flows/platform/{fuzz,restore,traces,versions}.test.ts",
  // Counts rounds, of which there is one in two seconds.
  "functions/flows/notify/notifications.test.ts",
];

const { projects: _, ...shared } = base.test ?? {};

/**
 * `npm run test:full` after all else: journeys in cloud mode, each function as several instances, with
 * Firestore's latencies and contention, queues that back off, and pushes that come twice.
 */
export default defineConfig({
  test: {
    ...shared,
    include: ["functions/flows/**/*.test.ts"],
    exclude: [FULL_TESTS, "**/node_modules/**", ...APART],
    env: { ...shared.env, CLOUD: "1" },
    expect: { poll: { interval: 10, timeout: 40_000 } },
    // The physics are drawn at random, and the machine may be slow besides: what fails twice has failed.
    retry: 1,
    testTimeout: 90_000,
    hookTimeout: 60_000,
  },
});
