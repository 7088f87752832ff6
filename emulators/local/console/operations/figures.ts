/**
 * A structured log line of the functions. The dashboard's figures use the same lines and fields as the
 * log-based metrics of a deployment. The functions here are pure, so that a test can compare them with a load
 * generator.
 */
export interface Line {
  readonly at: string;
  readonly severity: string;
  readonly function?: string;
  readonly entry: Record<string, unknown>;
}

export interface Figures {
  /** An endpoint of the API, or a function of the background. */
  readonly name: string;
  readonly kind: "endpoint" | "function";
  readonly count: number;
  readonly errors: number;
  /** Milliseconds, as the others. */
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

/**
 * One row for each endpoint and each function of the background, the busiest first.
 *
 * @param sinceMs milliseconds since the epoch; earlier lines do not count
 */
export function figuresOf(lines: readonly Line[], sinceMs: number): Figures[] {
  const groups = new Map<
    string,
    { name: string; kind: Figures["kind"]; errors: number; latencies: number[] }
  >();
  for (const { at, severity, entry } of lines) {
    const latency = entry["latencyMs"];
    if (typeof latency !== "number" || Date.parse(at) < sinceMs) continue;
    const isEndpoint = typeof entry["endpoint"] === "string";
    if (!isEndpoint && typeof entry["trigger"] !== "string") continue;
    const name = String(isEndpoint ? entry["endpoint"] : entry["function"]);
    const kind = isEndpoint ? "endpoint" : "function";
    const group = groups.get(name) ?? { name, kind, errors: 0, latencies: [] };
    groups.set(name, group);
    group.latencies.push(latency);
    if (isFailure(entry, severity)) group.errors += 1;
  }
  return [...groups.values()]
    .map(({ latencies, ...group }) => ({ ...group, count: latencies.length, ...percentilesOf(latencies) }))
    .sort((a, b) => b.count - a.count);
}

/** A request fails with status 500 or above, a delivery when its line is an error. */
function isFailure(entry: Record<string, unknown>, severity: string) {
  const request = entry["httpRequest"] as { status?: number } | undefined;
  return request?.status === undefined
    ? severity === "ERROR" || severity === "CRITICAL"
    : request.status >= 500;
}

export function percentilesOf(latencies: readonly number[]) {
  const sorted = latencies.toSorted((a, b) => a - b);
  return { p50: percentile(sorted, 0.5), p95: percentile(sorted, 0.95), p99: percentile(sorted, 0.99) };
}

/** The percentile by the nearest rank, which is always a measured value. */
const percentile = (sorted: readonly number[], share: number) =>
  sorted[Math.max(Math.ceil(sorted.length * share) - 1, 0)] ?? 0;
