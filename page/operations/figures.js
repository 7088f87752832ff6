/**
 * What the dashboard shows of the structured log lines, by the same lines and fields as the log-based metrics of a
 * deployment. Pure, so that a test can hold it against what a load generator has measured.
 *
 * @typedef {object} Line
 * @property {string} at
 * @property {string} severity
 * @property {string} [function]
 * @property {Record<string, unknown>} entry
 *
 * @typedef {object} Figures
 * @property {string} name an endpoint of the API, or a function of the background
 * @property {"endpoint" | "function"} kind
 * @property {number} count
 * @property {number} errors
 * @property {number} p50 milliseconds, as the others
 * @property {number} p95
 * @property {number} p99
 */

/**
 * One row for each endpoint and each function of the background, the busiest first.
 *
 * @param {readonly Line[]} lines
 * @param {number} sinceMs milliseconds since the epoch; earlier lines do not count
 * @returns {Figures[]}
 */
export function figuresOf(lines, sinceMs) {
  /** @type {Map<string, { name: string, kind: Figures["kind"], errors: number, latencies: number[] }>} */
  const groups = new Map();
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

/**
 * A request fails with status 500 or above, a delivery when its line is an error.
 * @param {Record<string, unknown>} entry @param {string} severity
 */
function isFailure(entry, severity) {
  const request = /** @type {{ status?: number } | undefined} */ (entry["httpRequest"]);
  return request?.status === undefined
    ? severity === "ERROR" || severity === "CRITICAL"
    : request.status >= 500;
}

/** @param {readonly number[]} latencies */
export function percentilesOf(latencies) {
  const sorted = latencies.toSorted((a, b) => a - b);
  return { p50: percentile(sorted, 0.5), p95: percentile(sorted, 0.95), p99: percentile(sorted, 0.99) };
}

/** The nearest rank: a value that has been measured. @param {readonly number[]} sorted @param {number} share */
const percentile = (sorted, share) => sorted[Math.max(Math.ceil(sorted.length * share) - 1, 0)] ?? 0;
