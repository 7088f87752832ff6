import { beforeEach, expect, test } from "vitest";
import { awaitTests, TESTS_BEGIN_MS_MAX, TESTS_MS_MAX } from "./await-tests.ts";

const commit = "a".repeat(40);
const build = (status: string, change: object = {}): object => ({
  id: "b1",
  status,
  createTime: "2026-01-01T00:00:00Z",
  serviceAccount: "projects/p/serviceAccounts/tester@p.iam.gserviceaccount.com",
  substitutions: { COMMIT_SHA: commit, TRIGGER_NAME: "test" },
  ...change,
});

let nowMs: number;
let asked: string[];
beforeEach(() => {
  nowMs = 0;
  asked = [];
});

/** Cloud Build as it answers one call after the other; the last answer stays. */
const waitFor = (...answers: readonly object[][]): Promise<void> =>
  awaitTests(
    {
      project: "p",
      region: "europe-west1",
      gcloud: (args) => {
        asked.push(args.join(" "));
        return Promise.resolve(JSON.stringify(answers[Math.min(asked.length, answers.length) - 1]));
      },
      wait: (ms) => {
        nowMs += ms;
        return Promise.resolve();
      },
      now: () => nowMs,
    },
    commit,
  );

test("waits until the tests of the commit have passed", async () => {
  await waitFor([], [build("QUEUED")], [build("WORKING")], [build("SUCCESS")]);
  expect(asked).toHaveLength(4);
  expect(asked[0]).toContain(`substitutions.COMMIT_SHA=${commit}`);
});

test.each(["FAILURE", "TIMEOUT", "CANCELLED", "EXPIRED", "INTERNAL_ERROR"])(
  "ends when they end with %s",
  async (status) => {
    await expect(waitFor([build(status)])).rejects.toThrow(status);
  },
);

test("believes no build of another trigger, account or commit", async () => {
  const passed = [
    build("SUCCESS", { substitutions: { COMMIT_SHA: commit, TRIGGER_NAME: "deploy" } }),
    build("SUCCESS", { substitutions: { COMMIT_SHA: "b".repeat(40), TRIGGER_NAME: "test" } }),
    build("SUCCESS", { serviceAccount: "projects/p/serviceAccounts/other@p.iam.gserviceaccount.com" }),
    build("SUCCESS", { serviceAccount: "projects/p/serviceAccounts/x-tester@p.iam.gserviceaccount.com" }),
    build("SUCCESS", { serviceAccount: undefined }),
  ];
  await expect(waitFor(passed)).rejects.toThrow("Nobody tests");
  expect(nowMs).toBe(TESTS_BEGIN_MS_MAX);
});

test("the latest tests count: a failure that was repeated, and a success that was", async () => {
  const later = { createTime: "2026-01-02T00:00:00Z" };
  await waitFor([build("FAILURE"), build("SUCCESS", later)]);
  await expect(waitFor([build("SUCCESS"), build("FAILURE", later)])).rejects.toThrow("FAILURE");
});

test("gives up in the end, and takes nothing for a commit that is none", async () => {
  await expect(waitFor([build("WORKING")])).rejects.toThrow("too long");
  expect(nowMs).toBe(TESTS_MS_MAX);
  await expect(awaitTests({} as never, "main --format=csv")).rejects.toThrow("no commit");
});
