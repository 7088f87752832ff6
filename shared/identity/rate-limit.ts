/**
 * The arithmetic of limits that hold over any number of instances: at most `limit` requests in any
 * window of 60 seconds, without a Firestore operation for each.
 *
 * A limit's document counts tokens by the moment until which they may be used. An instance takes tokens by a
 * conditional write and admits one request for each: some at once, for the requests that wait, and a few
 * ahead, for those to come. A token counts from when it is taken until COUNTED_MS after it can be used last.
 *
 * Never more than the limit: let [t, t + 60 s) be any window and g the moment of the last taking that admits
 * a request in it, so g < t + 60 s. Every other token used in the window may be used after t, so it counts
 * until after t + 60 s > g, and was counted at g. The sum of what counts never exceeds the limit.
 *
 * At least 90 % of it: a token taken at once counts for USE_MS + QUANTUM_MS + SLACK_MS + 60 s = 63.75 s in
 * place of 60, which leaves 94.1 %; tokens ahead that lie idle are at most 1/25 of the limit, so 0.941 × 0.96
 * = 90.3 % can be used in the worst case, and a burst finds at least 96 % at once. Waiting for 1/12 of the
 * limit to come free delays tokens by 2.2 s on average under even pressure, when none lie idle ahead: 60 /
 * 65.95 = 91 %.
 *
 * Cost: a taking is one write, or a read more when another instance came between. With a limit of 100 an
 * instance takes up to 4 ahead with the one that is asked for: 0.2 writes a request for whoever makes 15 or
 * more requests a minute through one instance, less in bursts. A refusal costs nothing until the next part of
 * the limit has come free, then a read for each instance that is asked.
 *
 * GCRA was the plan. Its guarantee is burst + 60 s × rate ≤ limit, so a limit of 100 that lets 90 % through
 * steadily lets 10 through at once; counting the window itself gives the whole limit to a burst too.
 */
export const WINDOW_MS = 60_000;
/** Tokens for requests that wait are void when the commit that takes them needs longer. */
export const USE_MS = 2_000;
/** How long tokens ahead may be used. */
export const AHEAD_MS = 20_000;
/** Idle tokens ahead are at most this part of the limit, over all instances. */
export const AHEAD_PART = 25;
/**
 * An instance that finds nothing left asks again when this part of the limit has come free: under pressure
 * tokens come free one by one, and every instance would ask for each.
 */
export const FREED_PART = 12;
/** Moments are rounded up to these, which bounds the size of the document. */
export const QUANTUM_MS = 250;
/** By how much an instance may misjudge Firestore's time: a round trip that takes longer is not trusted. */
export const SLACK_MS = 1_500;
const COUNTED_MS = WINDOW_MS + SLACK_MS;

/** Moment (ms, as a name) until which tokens may be used → how many. */
export type Counts = Readonly<Record<string, number>>;

/** Tokens ahead that an instance gives back: those not used, and the others sooner. */
export interface Settled {
  readonly untilMs: number;
  readonly taken: number;
  readonly used: number;
  readonly lastUseMs: number;
}

export interface Taking {
  readonly counts: Counts;
  /** For the requests that wait. */
  readonly now: number;
  /** For each request that waits, whether its tokens are among them. */
  readonly admitted: readonly boolean[];
  readonly ahead: number;
  readonly aheadUntilMs: number;
  /** What is left for others. */
  readonly remaining: number;
  /** When it is worth asking again. */
  readonly nextFreeMs: number;
}

const roundUp = (ms: number): number => Math.ceil(ms / QUANTUM_MS) * QUANTUM_MS;
const sum = (counts: Iterable<number>): number => [...counts].reduce((total, count) => total + count, 0);

/**
 * What an instance takes at `nowMs` (Firestore's time), and what then counts. `waiting` are the weights of
 * the requests that wait, in order: a request is admitted with all of its tokens or none, and one that is too
 * heavy for what is left lets lighter ones pass.
 */
export function takeTokens(
  before: Counts,
  nowMs: number,
  limit: number,
  { waiting, settled }: { readonly waiting: readonly number[]; readonly settled?: Settled | undefined },
): Taking {
  const counts = new Map<number, number>();
  const add = (untilMs: number, count: number): void => {
    const total = (counts.get(untilMs) ?? 0) + count;
    if (total > 0) counts.set(untilMs, total);
    else counts.delete(untilMs);
  };
  for (const [name, count] of Object.entries(before)) {
    if (Number(name) + COUNTED_MS > nowMs) add(Number(name), count);
  }
  if (settled !== undefined && counts.has(settled.untilMs)) {
    add(settled.untilMs, -settled.taken);
    if (settled.used > 0) add(Math.min(settled.untilMs, roundUp(settled.lastUseMs + SLACK_MS)), settled.used);
  }
  const free = Math.max(0, limit - sum(counts.values()));
  let now = 0;
  const admitted = waiting.map((weight) => {
    const fits = now + weight <= free;
    if (fits) now += weight;
    return fits;
  });
  const refused = Math.min(...waiting.filter((_, at) => admitted[at] === false));
  const nowUntilMs = roundUp(nowMs + USE_MS);
  const idle = sum(
    [...counts].filter(([untilMs]) => untilMs > nowUntilMs + SLACK_MS).map(([, count]) => count),
  );
  const ahead = Math.max(0, Math.min(free - now, Math.floor(limit / AHEAD_PART) - idle));
  const aheadUntilMs = roundUp(nowMs + AHEAD_MS);
  add(nowUntilMs, now);
  add(aheadUntilMs, ahead);
  return {
    counts: Object.fromEntries(counts),
    now,
    admitted,
    ahead,
    aheadUntilMs,
    remaining: free - now - ahead,
    nextFreeMs: freedMs(counts, wantedOf(refused, free - now, limit)),
  };
}

/** How many tokens have to come free until it is worth asking again. */
const wantedOf = (refused: number, left: number, limit: number): number =>
  Math.max(1, Math.floor(limit / FREED_PART), Number.isFinite(refused) ? refused - left : 0);

/** When so many tokens, or all that count, will have come free. */
function freedMs(counts: ReadonlyMap<number, number>, wanted: number): number {
  let freed = 0;
  let lastMs = 0;
  for (const [untilMs, count] of [...counts].sort(([a], [b]) => a - b)) {
    if (freed >= wanted) break;
    freed += count;
    lastMs = untilMs;
  }
  return lastMs + COUNTED_MS;
}
