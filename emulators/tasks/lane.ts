import { answersSlowDown, SHARE_MIN } from "./physics.ts";
import { burstOf, type QueueSettings } from "./queue.ts";

/** A queue's token bucket, and how many of its tasks are under way. */
export interface Lane {
  tokens: number;
  refilledMs: number;
  underway: number;
  /** The share of the queue's rate that the target bears: less than 1 after it answered 429 or 503. */
  share: number;
  cancelAlarm: () => void;
}

/** An idle queue may dispatch its whole burst at once. */
export const newLane = (settings: QueueSettings, nowMs: number): Lane => ({
  tokens: burstOf(settings),
  refilledMs: nowMs,
  underway: 0,
  share: 1,
  cancelAlarm: () => undefined,
});

export function refill(lane: Lane, settings: QueueSettings, nowMs: number): void {
  // A clock that was set back takes no tokens away.
  const gained = (Math.max(nowMs - lane.refilledMs, 0) / 1000) * settings.dispatchesPerSecond * lane.share;
  // However slow the queue has become, it can gather the one token that a dispatch takes.
  lane.tokens = Math.min(lane.tokens + gained, Math.max(burstOf(settings) * lane.share, 1));
  lane.refilledMs = nowMs;
}

/** How many tasks may start now. */
export const roomIn = (lane: Lane, settings: QueueSettings): number =>
  Math.min(settings.concurrentMax - lane.underway, Math.floor(lane.tokens));

/** When the bucket, just refilled, holds a token again. */
export const nextTokenMs = (lane: Lane, settings: QueueSettings): number =>
  lane.refilledMs +
  Math.ceil((Math.max(1 - lane.tokens, 0) / (settings.dispatchesPerSecond * lane.share)) * 1000);

/** The whole queue slows down by what one of its tasks was answered, and recovers by successes. */
export function adjustShare(lane: Lane, status: number | undefined): void {
  if (answersSlowDown(status)) lane.share = Math.max(lane.share / 2, SHARE_MIN);
  else if (status !== undefined && status < 300) lane.share = Math.min(lane.share * 2, 1);
}
