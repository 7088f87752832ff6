import { eachConcurrently } from "./each-concurrently.ts";
import { type Observed, observe, verdictOf } from "./rollout-verdict.ts";

/** Runs gcloud with these arguments and answers with what it prints. */
export type Gcloud = (args: readonly string[]) => Promise<string>;

export interface RolloutOptions {
  readonly project: string;
  readonly region: string;
  readonly functions: readonly string[];
  readonly gcloud: Gcloud;
  wait(ms: number): Promise<void>;
  /** Milliseconds since the epoch. */
  now(): number;
}

/** By this tag the load balancer reaches the candidate of the API; it is set for the smoke test only. */
export const CANDIDATE_TAG = "candidate";
/** Cloud Build's quota of builds at once in a region is ten by default; each deployment is one. */
const AT_ONCE = 5;
/** Cloud Logging has a line within seconds, now and then within a minute. */
const LOG_DELAY_MS = 60_000;
/** How many log lines are compared; more would not change the verdict. */
export const LINES_MAX = 20_000;

interface Service {
  readonly status: {
    readonly latestReadyRevisionName: string;
    readonly latestCreatedRevisionName: string;
    readonly traffic: readonly {
      readonly revisionName: string;
      readonly percent?: number;
      readonly tag?: string;
    }[];
  };
}

const where = ({ project, region }: RolloutOptions): string[] => ["--project", project, "--region", region];

/**
 * Makes a revision of every function that is ready and gets no traffic, as Terraform pins traffic to named
 * revisions. From then on the candidate is the revision that was created last.
 */
export async function deploy(options: RolloutOptions): Promise<void> {
  const { functions, gcloud } = options;
  await eachConcurrently(AT_ONCE, functions, async (name) => {
    await gcloud([
      "functions",
      "deploy",
      name,
      "--gen2",
      ...where(options),
      "--source",
      `dist/${name}`,
      "--quiet",
    ]);
    const { status } = await describe(options, name);
    const latest = status.latestReadyRevisionName;
    if (latest !== status.latestCreatedRevisionName)
      throw new Error(`The new revision of ${name} is not ready.`);
  });
}

/** The functions that a client can reach by the header that names the candidate. */
const REACHABLE = ["api"];

/**
 * Makes the candidates reachable by a header that anybody may send, runs the test, and makes them unreachable
 * again, whatever comes of it.
 */
export async function withCandidateReachable(
  options: RolloutOptions,
  test: () => Promise<void>,
): Promise<void> {
  const names = options.functions.filter((name) => REACHABLE.includes(name));
  try {
    for (const name of names) {
      const { status } = await describe(options, name);
      const tag = `${CANDIDATE_TAG}=${status.latestCreatedRevisionName}`;
      await updateTraffic(options, name, ["--update-tags", tag]);
    }
    await test();
  } finally {
    for (const name of names) await removeTag(options, name);
  }
}

async function removeTag(options: RolloutOptions, name: string): Promise<void> {
  const { traffic } = (await describe(options, name)).status;
  if (!traffic.some(({ tag }) => tag === CANDIDATE_TAG)) return;
  await updateTraffic(options, name, ["--remove-tags", CANDIDATE_TAG]);
}

async function describe(options: RolloutOptions, name: string): Promise<Service> {
  const text = await options.gcloud([
    "run",
    "services",
    "describe",
    name,
    ...where(options),
    "--format",
    "json",
  ]);
  return JSON.parse(text) as Service;
}

const updateTraffic = (options: RolloutOptions, name: string, change: readonly string[]): Promise<string> =>
  options.gcloud(["run", "services", "update-traffic", name, ...where(options), ...change, "--quiet"]);

interface Revisions {
  readonly candidate: string;
  /** The one that serves what the candidate does not; undefined when there is no other. */
  readonly before: string | undefined;
}

async function revisionsOf(options: RolloutOptions, name: string): Promise<Revisions> {
  const { traffic, latestCreatedRevisionName: candidate } = (await describe(options, name)).status;
  const others = traffic.filter(({ revisionName, percent = 0 }) => revisionName !== candidate && percent > 0);
  const before = others.toSorted((one, other) => (other.percent ?? 0) - (one.percent ?? 0))[0]?.revisionName;
  return { candidate, before: before ?? (await olderRevision(options, name, candidate)) };
}

/** When the candidate has all traffic, what came before it stands in the list of revisions only. */
async function olderRevision(
  options: RolloutOptions,
  name: string,
  candidate: string,
): Promise<string | undefined> {
  const list = ["run", "revisions", "list", "--service", name, ...where(options)];
  const newestFirst = ["--sort-by", "~metadata.creationTimestamp", "--format", "value(metadata.name)"];
  const text = await options.gcloud([...list, ...newestFirst]);
  const names = text.split("\n").filter((line) => line !== "");
  return names[names.indexOf(candidate) + 1];
}

/**
 * Gives the candidates so much traffic, waits, and compares them with what serves the rest. When they are
 * worse, everything goes back.
 * @throws Error saying what was worse
 */
export async function step(
  options: RolloutOptions,
  { percent, minutes }: { readonly percent: number; readonly minutes: number },
): Promise<void> {
  const { functions, gcloud, project } = options;
  const revisions = new Map<string, Revisions>();
  for (const name of functions) revisions.set(name, await revisionsOf(options, name));
  const startedMs = options.now();
  try {
    await eachConcurrently(AT_ONCE, revisions, async ([name, { candidate, before }]) => {
      const rest = before === undefined || percent >= 100 ? [] : [`${before}=${100 - percent}`];
      // A function that has no other revision can't give it a part only.
      const share = rest.length === 0 ? 100 : percent;
      await updateTraffic(options, name, ["--to-revisions", [`${candidate}=${share}`, ...rest].join(",")]);
    });
    await options.wait(minutes * 60_000 + LOG_DELAY_MS);
    const text = await gcloud([
      "logging",
      "read",
      filterOf(startedMs),
      "--project",
      project,
      "--format",
      "json",
      "--limit",
      String(LINES_MAX),
    ]);
    const observed = observe(JSON.parse(text));
    demandGood(revisions, observed);
  } catch (cause) {
    await back(options);
    throw cause;
  }
}

const filterOf = (sinceMs: number): string =>
  'resource.type="cloud_run_revision" AND jsonPayload.outcome:* AND jsonPayload.latencyMs:* ' +
  `AND timestamp>="${new Date(sinceMs).toISOString()}"`;

function demandGood(
  revisions: ReadonlyMap<string, Revisions>,
  observed: ReadonlyMap<string, Observed>,
): void {
  const problems = [...revisions].flatMap(([name, { candidate, before }]) => {
    const verdict = verdictOf(
      observed.get(candidate),
      before === undefined ? undefined : observed.get(before),
    );
    console.log(`${name} ${candidate}: ${verdict.says}`);
    return verdict.isGood ? [] : [`${name}: ${verdict.says}`];
  });
  if (problems.length > 0) throw new Error(`The candidate is worse. ${problems.join("; ")}`);
}

/**
 * Gives all traffic back to what served before the candidate, of every function, whatever happens to another.
 */
export async function back(options: RolloutOptions): Promise<void> {
  const failures: unknown[] = [];
  await eachConcurrently(AT_ONCE, options.functions, async (name) => {
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
