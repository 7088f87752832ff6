import type { Gcloud } from "./rollout-steps.ts";

/** What Cloud Run itself says of a revision, whether or not its code came to write a line. */
export interface PlatformObserved {
  readonly requests: number;
  /** Answered with 5xx, by the code or in its place. */
  readonly failed: number;
  /** The share of its memory that an instance in a hundred takes more than. */
  readonly memoryShare: number;
  /** Instances that were started. */
  readonly starts: number;
  /** Lines of Cloud Run itself that an instance was ended: out of memory, by a signal, by its own exit. */
  readonly kills: number;
}

export const NOTHING_OBSERVED: PlatformObserved = {
  requests: 0,
  failed: 0,
  memoryShare: 0,
  starts: 0,
  kills: 0,
};

interface Point {
  readonly value: {
    readonly int64Value?: string;
    readonly doubleValue?: number;
    readonly distributionValue?: { readonly count?: string };
  };
}

interface Series {
  readonly metric?: { readonly labels?: { readonly response_code_class?: string } };
  readonly resource?: { readonly labels?: { readonly revision_name?: string } };
  readonly points?: readonly Point[];
}

interface Page {
  readonly timeSeries?: readonly Series[];
  readonly nextPageToken?: string;
}

export interface MetricsOptions {
  readonly project: string;
  readonly gcloud: Gcloud;
  readonly fetch: typeof fetch;
}

const CALL_MS_MAX = 30_000;
/** Of 100,000 series: more than a project can have revisions. */
const PAGES_MAX = 100;
const SERIES_A_PAGE = 1_000;
/** Lines that say why instances end; more would not change the verdict. */
const KILL_LINES_MAX = 1_000;

interface MetricQuery {
  readonly type: string;
  readonly aligner: string;
  readonly reducer: string;
  readonly by?: string;
}

/** https://docs.cloud.google.com/monitoring/api/metrics_gcp_p_z lists them under run.googleapis.com. */
const QUERIES = {
  requests: {
    type: "request_count",
    aligner: "ALIGN_SUM",
    reducer: "REDUCE_SUM",
    by: "metric.label.response_code_class",
  },
  memory: { type: "container/memory/utilizations", aligner: "ALIGN_PERCENTILE_99", reducer: "REDUCE_MAX" },
  starts: { type: "container/startup_latencies", aligner: "ALIGN_DELTA", reducer: "REDUCE_SUM" },
} satisfies Readonly<Record<string, MetricQuery>>;

/** By revision, since a time. Monitoring shows a request three minutes after it at the latest. */
export async function observePlatform(
  options: MetricsOptions,
  { sinceMs, untilMs }: { readonly sinceMs: number; readonly untilMs: number },
): Promise<Map<string, PlatformObserved>> {
  const token = (await options.gcloud(["auth", "print-access-token"])).trim();
  const read = (asked: MetricQuery) => readSeries(options, { token, asked, sinceMs, untilMs });
  const [requests, memory, starts, kills] = await Promise.all([
    read(QUERIES.requests),
    read(QUERIES.memory),
    read(QUERIES.starts),
    readKills(options, sinceMs),
  ]);
  const observed = new Map<string, PlatformObserved>();
  const add = (revision: string, change: (before: PlatformObserved) => Partial<PlatformObserved>): void => {
    const before = observed.get(revision) ?? NOTHING_OBSERVED;
    observed.set(revision, { ...before, ...change(before) });
  };
  for (const series of requests) {
    const count = sumOf(series);
    const isFailed = series.metric?.labels?.response_code_class === "5xx";
    add(revisionOf(series), (before) => ({
      requests: before.requests + count,
      failed: before.failed + (isFailed ? count : 0),
    }));
  }
  for (const series of memory) add(revisionOf(series), () => ({ memoryShare: maxOf(series) }));
  for (const series of starts) {
    add(revisionOf(series), (before) => ({ starts: before.starts + sumOf(series) }));
  }
  for (const revision of kills) add(revision, (before) => ({ kills: before.kills + 1 }));
  return observed;
}

const revisionOf = (series: Series): string => series.resource?.labels?.revision_name ?? "";
const numberOf = ({ value }: Point): number =>
  Number(value.int64Value ?? value.doubleValue ?? value.distributionValue?.count ?? 0);
const sumOf = ({ points = [] }: Series): number => points.reduce((sum, point) => sum + numberOf(point), 0);
const maxOf = ({ points = [] }: Series): number => Math.max(0, ...points.map(numberOf));

async function readSeries(
  { project, fetch: get }: MetricsOptions,
  window: {
    readonly token: string;
    readonly asked: MetricQuery;
    readonly sinceMs: number;
    readonly untilMs: number;
  },
): Promise<Series[]> {
  const { token, asked, sinceMs, untilMs } = window;
  const query = new URLSearchParams({
    filter: `metric.type="run.googleapis.com/${asked.type}" AND resource.type="cloud_run_revision"`,
    "interval.startTime": new Date(sinceMs).toISOString(),
    "interval.endTime": new Date(untilMs).toISOString(),
    "aggregation.alignmentPeriod": "60s",
    "aggregation.perSeriesAligner": asked.aligner,
    "aggregation.crossSeriesReducer": asked.reducer,
    pageSize: String(SERIES_A_PAGE),
  });
  query.append("aggregation.groupByFields", "resource.label.revision_name");
  if (asked.by !== undefined) query.append("aggregation.groupByFields", asked.by);
  const all: Series[] = [];
  for (let page = 1; page <= PAGES_MAX; page += 1) {
    const url = `https://monitoring.googleapis.com/v3/projects/${project}/timeSeries?${query.toString()}`;
    const signal = AbortSignal.timeout(CALL_MS_MAX);
    const answer = await get(url, { headers: { authorization: `Bearer ${token}` }, signal });
    if (!answer.ok) throw new Error(`Monitoring answers ${answer.status} for ${asked.type}.`);
    const { timeSeries = [], nextPageToken = "" } = (await answer.json()) as Page;
    all.push(...timeSeries);
    if (nextPageToken === "") return all;
    query.set("pageToken", nextPageToken);
  }
  throw new Error(`Monitoring has too many series of ${asked.type}.`);
}

/** Cloud Run's own log: that an instance ran out of memory, was ended by a signal, or has exited. */
export const killFilter = (sinceMs: number): string =>
  'resource.type="cloud_run_revision" AND log_id("run.googleapis.com/varlog/system") AND severity>=WARNING ' +
  'AND (textPayload:"Memory limit" OR textPayload:"Container terminated on signal" ' +
  'OR textPayload:"Container called exit") ' +
  `AND timestamp>="${new Date(sinceMs).toISOString()}"`;

async function readKills({ project, gcloud }: MetricsOptions, sinceMs: number): Promise<string[]> {
  const limit = ["--limit", String(KILL_LINES_MAX)];
  const what = ["--project", project, "--format", "json", ...limit];
  const lines = JSON.parse(await gcloud(["logging", "read", killFilter(sinceMs), ...what])) as Series[];
  return lines.map(revisionOf);
}
