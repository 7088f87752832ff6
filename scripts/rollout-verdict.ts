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

/** Whether a candidate may have more traffic, beside what serves the rest. */
export function verdictOf(candidate: Observed | undefined, before: Observed | undefined): Verdict {
  if (candidate === undefined) return { isGood: true, says: "nothing to do yet" };
  const { runs, failures, p95Ms } = candidate;
  const share = failures / runs;
  const shareBefore = before === undefined ? 0 : before.failures / before.runs;
  const says = `${failures} of ${runs} failed, p95 ${Math.round(p95Ms)} ms`;
  if (failures >= FAILURES_MIN && share > Math.max(FAILURE_SHARE_MAX, FAILURE_FACTOR * shareBefore)) {
    return { isGood: false, says: `${says}; before ${(shareBefore * 100).toFixed(1)} % failed` };
  }
  const isComparable = before !== undefined && runs >= RUNS_MIN && before.runs >= RUNS_MIN;
  if (isComparable && p95Ms > LATENCY_MS_MIN && p95Ms > LATENCY_FACTOR * before.p95Ms) {
    return { isGood: false, says: `${says}; before ${Math.round(before.p95Ms)} ms` };
  }
  return { isGood: true, says };
}
