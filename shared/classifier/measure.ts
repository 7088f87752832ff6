import type { Lane } from "./classify.ts";

export interface Confusion {
  /** By the lane that is right, then by the lane that was told. */
  readonly counts: Readonly<Record<Lane, Readonly<Record<Lane, number>>>>;
  readonly accuracy: number;
  /** The share of each lane's questions that are told to be of it. */
  readonly byLane: Readonly<Record<Lane, number>>;
  /** The mean of both, which does not gain by guessing the more frequent lane. */
  readonly balanced: number;
}

export function confusionOf<Question extends { readonly lane: Lane }>(
  questions: readonly Question[],
  tell: (question: Question) => Lane,
): Confusion {
  const counts = { fast: { fast: 0, slow: 0 }, slow: { fast: 0, slow: 0 } };
  for (const question of questions) counts[question.lane][tell(question)] += 1;
  const share = (lane: Lane): number =>
    counts[lane][lane] / Math.max(counts[lane].fast + counts[lane].slow, 1);
  const byLane = { fast: share("fast"), slow: share("slow") };
  return {
    counts,
    accuracy: (counts.fast.fast + counts.slow.slow) / Math.max(questions.length, 1),
    byLane,
    balanced: (byLane.fast + byLane.slow) / 2,
  };
}

export interface Latency {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

/** Milliseconds that a call takes, once the code is warm. */
export function latencyOf(texts: readonly string[], call: (text: string) => unknown): Latency {
  for (const text of texts) call(text);
  const times = texts.map((text) => {
    const begun = performance.now();
    call(text);
    return performance.now() - begun;
  });
  times.sort((a, b) => a - b);
  const at = (share: number): number =>
    times[Math.min(Math.floor(times.length * share), times.length - 1)] ?? 0;
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}
