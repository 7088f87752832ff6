import { NOTHING_OBSERVED, type PlatformObserved } from "./platform-metrics.ts";

/** What the log lines of a revision say. */
export interface Observed {
  readonly runs: number;
  readonly failures: number;
  /** Of all runs, in milliseconds. */
  readonly p95Ms: number;
}

export interface Verdict {
  readonly isGood: boolean;
  readonly says: string;
}

/**
 * With fewer lines than this, latency is not judged, and a single failure is not counted as a rate of errors.
 */
export const RUNS_MIN = 30;
export const FAILURES_MIN = 3;
/**
 * The share of failures that is always accepted, and how many times the share of the revision before is too
 * many.
 */
export const FAILURE_SHARE_MAX = 0.01;
export const FAILURE_FACTOR = 2;
/** New instances are slower at first, so only what is clearly slower and noticeably slow counts. */
export const LATENCY_FACTOR = 1.5;
export const LATENCY_MS_MIN = 300;

/** From here on an instance is likely to be ended for its memory. */
export const MEMORY_SHARE_MAX = 0.9;
/** So many instances, for so few requests each, do not stay. */
export const STARTS_MIN = 10;
export const START_SHARE_MAX = 0.5;

interface Line {
  readonly severity?: string;
  readonly httpRequest?: { readonly status?: number };
  readonly jsonPayload?: { readonly latencyMs?: number };
  readonly resource?: { readonly labels?: { readonly revision_name?: string } };
}

/** By revision. A request failed with status 500 or above, a delivery when its line is an error. */
export function observe(lines: readonly Line[]): Map<string, Observed> {
  const byRevision = Map.groupBy(lines, (line) => line.resource?.labels?.revision_name ?? "");
  return new Map(
    [...byRevision].map(([revision, all]) => {
      const latencies = all
        .map(({ jsonPayload }) => jsonPayload?.latencyMs ?? 0)
        .sort((one, other) => one - other);
      const failures = all.filter(hasFailed).length;
      const p95Ms = latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * 0.95))] ?? 0;
      return [revision, { runs: all.length, failures, p95Ms }];
    }),
  );
}

const hasFailed = ({ httpRequest, severity }: Line): boolean =>
  httpRequest?.status === undefined
    ? severity === "ERROR" || severity === "CRITICAL"
    : httpRequest.status >= 500;

/** Of one revision: by the lines of its code, and by Cloud Run itself. */
export interface Evidence {
  readonly lines?: Observed | undefined;
  readonly platform?: PlatformObserved | undefined;
}

/**
 * Whether a candidate may have more traffic, beside what serves the rest. Where nobody was asked there is
 * nothing to say against it; whoever asks sees to it that somebody is.
 */
export function verdictOf(candidate: Evidence, before: Evidence): Verdict {
  const verdicts = [
    ofPlatform(candidate.platform, before.platform),
    ...(candidate.lines === undefined ? [] : [ofLines(candidate.lines, before.lines)]),
  ];
  const isGood = verdicts.every((verdict) => verdict.isGood);
  const told = isGood ? verdicts : verdicts.filter((verdict) => !verdict.isGood);
  return { isGood, says: told.map(({ says }) => says).join("; ") };
}

const isFailing = ({ failures, runs }: Pick<Observed, "failures" | "runs">, shareBefore: number): boolean =>
  failures >= FAILURES_MIN && failures / runs > Math.max(FAILURE_SHARE_MAX, FAILURE_FACTOR * shareBefore);

function ofPlatform(
  { requests, failed, memoryShare, starts, kills }: PlatformObserved = NOTHING_OBSERVED,
  before: PlatformObserved = NOTHING_OBSERVED,
): Verdict {
  const shareBefore = before.requests === 0 ? 0 : before.failed / before.requests;
  const says = `${failed} of ${requests} answered 5xx`;
  if (kills > before.kills)
    return { isGood: false, says: `${kills} instances were ended; before ${before.kills}` };
  if (isFailing({ failures: failed, runs: requests }, shareBefore)) {
    return { isGood: false, says: `${says}; before ${percentOf(shareBefore)}` };
  }
  if (memoryShare > MEMORY_SHARE_MAX && memoryShare > before.memoryShare) {
    return {
      isGood: false,
      says: `${percentOf(memoryShare)} of the memory; before ${percentOf(before.memoryShare)}`,
    };
  }
  if (starts >= STARTS_MIN && starts > START_SHARE_MAX * requests) {
    return { isGood: false, says: `${starts} instances were started for ${requests} requests` };
  }
  return { isGood: true, says };
}

function ofLines(candidate: Observed, before: Observed | undefined): Verdict {
  const { runs, failures, p95Ms } = candidate;
  const shareBefore = before === undefined ? 0 : before.failures / before.runs;
  const says = `${failures} of ${runs} failed, p95 ${Math.round(p95Ms)} ms`;
  if (isFailing(candidate, shareBefore)) {
    return { isGood: false, says: `${says}; before ${percentOf(shareBefore)} failed` };
  }
  const isComparable = before !== undefined && runs >= RUNS_MIN && before.runs >= RUNS_MIN;
  if (isComparable && p95Ms > LATENCY_MS_MIN && p95Ms > LATENCY_FACTOR * before.p95Ms) {
    return { isGood: false, says: `${says}; before ${Math.round(before.p95Ms)} ms` };
  }
  return { isGood: true, says };
}

const percentOf = (share: number): string => `${(share * 100).toFixed(1)} %`;
