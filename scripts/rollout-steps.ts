import { eachConcurrently } from "../shared/platform/each-concurrently.ts";
import { observePlatform, type PlatformObserved } from "./platform-metrics.ts";
import { type Observed, observe, verdictOf } from "./rollout-verdict.ts";
import { describe, type Reachable, removeTag, tryOut, updateTraffic, where } from "./try-out.ts";

/** Runs gcloud with these arguments and answers with what it prints. */
export type Gcloud = (args: readonly string[]) => Promise<string>;

export interface RolloutOptions {
  readonly project: string;
  readonly region: string;
  readonly functions: readonly { readonly name: string; readonly isPublic: boolean }[];
  readonly gcloud: Gcloud;
  readonly fetch: typeof fetch;
  /** Asks a candidate what does nothing; @throws Error when it does not answer well */
  ask(candidate: Reachable): Promise<void>;
  wait(ms: number): Promise<void>;
  /** Milliseconds since the epoch. */
  now(): number;
}

/** Cloud Build's quota of builds at once in a region is ten by default; each deployment is one. */
const AT_ONCE = 5;
/** Cloud Run's metrics are taken each minute, and seen up to three minutes later; lines sooner. */
export const METRIC_DELAY_MS = 240_000;
/** How many log lines are compared; more would not change the verdict. */
export const LINES_MAX = 20_000;
/** What Terraform makes services with (terraform/functions.tf). It takes all, so none is left to it. */
const PLACEHOLDER_IMAGE = "us-docker.pkg.dev/cloudrun/container/hello";
/** Named with its major version, as the tests ran on it; Google patches it in place. */
const BASE_IMAGE = "nodejs24";

/**
 * Makes a revision of every function that is ready and gets no traffic. What follows the latest revision, as
 * traffic does in a service that Terraform has just made, is thereby pinned to the one before. From then on
 * the candidate is the revision that was created last.
 */
export async function deploy(options: RolloutOptions): Promise<void> {
  const { functions, gcloud, project } = options;
  await eachConcurrently(AT_ONCE, functions, async ({ name }) => {
    // One that a rollout has left which was ended from outside.
    await removeTag(options, name);
    await gcloud([
      "run",
      "deploy",
      name,
      ...where(options),
      "--source",
      `dist/${name}`,
      "--function",
      name,
      "--base-image",
      BASE_IMAGE,
      "--build-service-account",
      `projects/${project}/serviceAccounts/imager@${project}.iam.gserviceaccount.com`,
      "--no-traffic",
      "--quiet",
    ]);
    const { status } = await describe(options, name);
    const latest = status.latestReadyRevisionName;
    if (latest !== status.latestCreatedRevisionName)
      throw new Error(`The new revision of ${name} is not ready.`);
    const hasTraffic = status.traffic.some(
      ({ revisionName, latestRevision, percent = 0 }) =>
        percent > 0 && (latestRevision === true || revisionName === latest),
    );
    if (hasTraffic) throw new Error(`The new revision of ${name} has traffic before it was tried out.`);
  });
}

/**
 * Tries every function out, one at a time: the instances of revisions without traffic are beyond those that
 * the quota was asked for (terraform/quota.tf).
 */
export async function smoke(options: RolloutOptions): Promise<void> {
  for (const spec of options.functions) await tryOut(options, spec, options.ask);
}

interface Revisions {
  readonly candidate: string;
  /** The one that serves what the candidate does not; undefined when there is no other with our code. */
  readonly before: string | undefined;
}

interface Revision {
  readonly metadata: { readonly name: string; readonly creationTimestamp: string };
  readonly spec?: { readonly containers?: readonly { readonly image?: string }[] };
}

/** The one with the most traffic beside the candidate; else, the newest before it. */
async function revisionsOf(options: RolloutOptions, name: string): Promise<Revisions> {
  const { traffic, latestCreatedRevisionName: candidate } = (await describe(options, name)).status;
  const list = ["run", "revisions", "list", "--service", name, ...where(options), "--format", "json"];
  const older = (JSON.parse(await options.gcloud(list)) as Revision[])
    .filter(({ metadata, spec }) => metadata.name !== candidate && !isPlaceholder(spec))
    .toSorted((one, other) => newestFirst(one.metadata, other.metadata))
    .map(({ metadata }) => metadata.name);
  const shareOf = (revision: string): number =>
    traffic.find(({ revisionName }) => revisionName === revision)?.percent ?? 0;
  const [before] = older.toSorted((one, other) => shareOf(other) - shareOf(one));
  return { candidate, before };
}

const isPlaceholder = (spec: Revision["spec"]): boolean =>
  spec?.containers?.some(({ image = "" }) => image.startsWith(PLACEHOLDER_IMAGE)) ?? false;
const newestFirst = (one: Revision["metadata"], other: Revision["metadata"]): number =>
  Date.parse(other.creationTimestamp) - Date.parse(one.creationTimestamp);

/**
 * Gives the candidates so much traffic, waits, and compares them with what serves the rest. A candidate that
 * nobody has asked meanwhile is tried out. When one is worse, everything goes back.
 * @throws Error saying what was worse
 */
export async function step(
  options: RolloutOptions,
  { percent, minutes }: { readonly percent: number; readonly minutes: number },
): Promise<void> {
  const revisions = new Map<string, Revisions>();
  for (const { name } of options.functions) revisions.set(name, await revisionsOf(options, name));
  const startedMs = options.now();
  try {
    await eachConcurrently(AT_ONCE, revisions, async ([name, { candidate, before }]) => {
      const rest = before === undefined || percent >= 100 ? [] : [`${before}=${100 - percent}`];
      // A function that has no other revision can't give it a part only.
      const share = rest.length === 0 ? 100 : percent;
      await updateTraffic(options, name, ["--to-revisions", [`${candidate}=${share}`, ...rest].join(",")]);
    });
    await options.wait(minutes * 60_000 + METRIC_DELAY_MS);
    const lines = observe(JSON.parse(await readLines(options, startedMs)));
    const platform = await observePlatform(options, { sinceMs: startedMs, untilMs: options.now() });
    demandGood(revisions, { lines, platform });
    await demandAnswers(options, revisions, platform);
  } catch (cause) {
    await back(options);
    throw cause;
  }
}

const readLines = ({ gcloud, project }: RolloutOptions, sinceMs: number): Promise<string> =>
  gcloud([
    "logging",
    "read",
    filterOf(sinceMs),
    "--project",
    project,
    "--format",
    "json",
    "--limit",
    String(LINES_MAX),
  ]);

const filterOf = (sinceMs: number): string =>
  'resource.type="cloud_run_revision" AND jsonPayload.outcome:* AND jsonPayload.latencyMs:* ' +
  `AND timestamp>="${new Date(sinceMs).toISOString()}"`;

function demandGood(
  revisions: ReadonlyMap<string, Revisions>,
  observed: {
    readonly lines: ReadonlyMap<string, Observed>;
    readonly platform: ReadonlyMap<string, PlatformObserved>;
  },
): void {
  const of = (revision: string) => ({
    lines: observed.lines.get(revision),
    platform: observed.platform.get(revision),
  });
  const problems = [...revisions].flatMap(([name, { candidate, before }]) => {
    const verdict = verdictOf(of(candidate), before === undefined ? {} : of(before));
    console.log(`${name} ${candidate}: ${verdict.says}`);
    return verdict.isGood ? [] : [`${name}: ${verdict.says}`];
  });
  if (problems.length > 0) throw new Error(`The candidate is worse. ${problems.join("; ")}`);
}

/** Silence is no sign of health: whom nobody has asked is asked now. */
async function demandAnswers(
  options: RolloutOptions,
  revisions: ReadonlyMap<string, Revisions>,
  platform: ReadonlyMap<string, PlatformObserved>,
): Promise<void> {
  for (const spec of options.functions) {
    const { candidate = "" } = revisions.get(spec.name) ?? {};
    if ((platform.get(candidate)?.requests ?? 0) > 0) continue;
    try {
      await tryOut(options, spec, options.ask);
    } catch (cause) {
      throw new Error(`${spec.name}: nobody has asked the candidate, and it does not answer.`, { cause });
    }
  }
}

/**
 * Gives all traffic back to what served before the candidate, of every function, whatever happens to another.
 */
export async function back(options: RolloutOptions): Promise<void> {
  const failures: unknown[] = [];
  await eachConcurrently(AT_ONCE, options.functions, async ({ name }) => {
    try {
      const { before } = await revisionsOf(options, name);
      if (before !== undefined) await updateTraffic(options, name, ["--to-revisions", `${before}=100`]);
      await removeTag(options, name);
    } catch (cause) {
      failures.push(cause);
    }
  });
  if (failures.length > 0)
    throw new AggregateError(failures, "Some functions still send traffic to the candidate.");
}
