import type { RolloutOptions } from "./rollout-steps.ts";

/** The trigger whose build tests a commit, and the account that it runs as (terraform/build.tf). */
export const TEST_TRIGGER = "test";
export const TESTER = "tester";

/** How often Cloud Build is asked. */
const POLL_MS = 20_000;
/** Installing and testing take about a quarter of this. */
export const TESTS_MS_MAX = 3600_000;
/** By then the push that began this build has begun the tests too. */
export const TESTS_BEGIN_MS_MAX = 600_000;

interface Build {
  readonly id: string;
  readonly status: string;
  readonly serviceAccount?: string;
  readonly createTime: string;
  readonly substitutions?: Readonly<Record<string, string>>;
}

const UNDER_WAY: ReadonlySet<string> = new Set(["STATUS_UNKNOWN", "PENDING", "QUEUED", "WORKING"]);

/**
 * Waits until the tests of a commit have passed. They run in another build and as an account that may write
 * logs and nothing else: no package that only tests need runs where something can be deployed.
 * @throws Error when they have failed, were never begun, or take too long
 */
export async function awaitTests(
  options: Pick<RolloutOptions, "project" | "region" | "gcloud" | "now" | "wait">,
  commit: string,
): Promise<void> {
  const { project, region, gcloud, now, wait } = options;
  if (!/^[0-9a-f]{40}$/.test(commit)) throw new Error("--commit is no commit.");
  const startedMs = now();
  for (;;) {
    const text = await gcloud([
      "builds",
      "list",
      "--project",
      project,
      "--region",
      region,
      "--filter",
      `substitutions.COMMIT_SHA=${commit}`,
      "--format",
      "json",
    ]);
    const [latest] = (JSON.parse(text) as Build[])
      .filter((build) => isTest(build, project, commit))
      .toSorted((one, other) => Date.parse(other.createTime) - Date.parse(one.createTime));
    if (latest?.status === "SUCCESS") return;
    if (latest !== undefined && !UNDER_WAY.has(latest.status)) {
      throw new Error(`The tests of ${commit} have ended with ${latest.status}: build ${latest.id}.`);
    }
    const waitedMs = now() - startedMs;
    if (latest === undefined && waitedMs >= TESTS_BEGIN_MS_MAX) {
      throw new Error(`Nobody tests ${commit}: run the trigger ${TEST_TRIGGER}, and then this one again.`);
    }
    if (waitedMs >= TESTS_MS_MAX) throw new Error(`The tests of ${commit} take too long.`);
    await wait(POLL_MS);
  }
}

const isTest = (
  { serviceAccount = "", substitutions = {} }: Build,
  project: string,
  commit: string,
): boolean =>
  substitutions["COMMIT_SHA"] === commit &&
  substitutions["TRIGGER_NAME"] === TEST_TRIGGER &&
  serviceAccount.endsWith(`/${TESTER}@${project}.iam.gserviceaccount.com`);
