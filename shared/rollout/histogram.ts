/**
 * Times counted in buckets whose bounds grow by a fourth root of two, so that a quantile is right to a few
 * percent whatever its size, and counting is an increment.
 */
export type Histogram = Readonly<Record<number, number>>;

const FIRST_BOUND_MS = 1;
const BUCKETS_PER_DOUBLING = 4;
/** 2 ** (88 / 4) ms are 70 minutes: longer than anything may run. */
export const LAST_BUCKET = 88;

export function bucketOf(ms: number): number {
  const bucket = Math.floor(Math.log2(Math.max(ms, FIRST_BOUND_MS) / FIRST_BOUND_MS) * BUCKETS_PER_DOUBLING);
  return Math.min(bucket, LAST_BUCKET);
}

const lowerBoundMs = (bucket: number): number => FIRST_BOUND_MS * 2 ** (bucket / BUCKETS_PER_DOUBLING);

export const countOf = (histogram: Histogram): number =>
  Object.values(histogram).reduce((sum, count) => sum + count, 0);

/** Adds `from`, each count times `weight`. */
export function addTo(into: Record<number, number>, from: Histogram, weight = 1): void {
  for (const [bucket, count] of Object.entries(from)) {
    into[Number(bucket)] = (into[Number(bucket)] ?? 0) + count * weight;
  }
}

/** The time below which the share of the counts lies; undefined of nothing. */
export function quantile(histogram: Histogram, share: number): number | undefined {
  const total = countOf(histogram);
  if (total <= 0) return undefined;
  let left = share * total;
  let last = 0;
  // Keys that are whole numbers come in their order.
  for (const [name, count] of Object.entries(histogram)) {
    if (count <= 0) continue;
    last = Number(name);
    if (left <= count) return lowerBoundMs(last + left / count);
    left -= count;
  }
  return lowerBoundMs(last + 1);
}
