import type { Clock } from "./clock.ts";

/**
 * Firestore's time as an instance can know it: the time that an answer carried, and what has passed here
 * since it came. It is never ahead of Firestore's own, and behind it by at most the round trip. Instances
 * agree on it however wrong their own clocks are.
 */
export interface ServerTime {
  readonly ms: number;
  readonly roundTripMs: number;
  /** The same moment here, by both clocks. */
  readonly monotonicMs: number;
  readonly clockMs: number;
}

/** By how much the two clocks here may disagree before one of them has jumped. */
const JUMP_MS = 250;

export const serverTimeAt = (clock: Clock, answerMs: number, askedMonotonicMs: number): ServerTime => {
  const monotonicMs = performance.now();
  return { ms: answerMs, roundTripMs: monotonicMs - askedMonotonicMs, monotonicMs, clockMs: clock.now() };
};

/** Undefined when the clock here has jumped since, so that what has passed can't be told. */
export function serverNow(clock: Clock, known: ServerTime): number | undefined {
  const passedMs = performance.now() - known.monotonicMs;
  const isSteady = Math.abs(clock.now() - known.clockMs - passedMs) <= JUMP_MS;
  return isSteady ? known.ms + passedMs : undefined;
}
