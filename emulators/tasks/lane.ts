import { burstOf, type QueueSettings } from "./queue.ts";

/** A queue's token bucket, and how many of its tasks are under way. */
export interface Lane {
  tokens: number;
  refilledMs: number;
  underway: number;
  cancelAlarm: () => void;
}

/** An idle queue may dispatch its whole burst at once. */
export const newLane = (settings: QueueSettings, nowMs: number): Lane => ({
  tokens: burstOf(settings),
  refilledMs: nowMs,
  underway: 0,
  cancelAlarm: () => undefined,
});

export function refill(lane: Lane, settings: QueueSettings, nowMs: number): void {
  // A clock that was set back takes no tokens away.
  const gained = (Math.max(nowMs - lane.refilledMs, 0) / 1000) * settings.dispatchesPerSecond;
  lane.tokens = Math.min(lane.tokens + gained, burstOf(settings));
  lane.refilledMs = nowMs;
}

/** How many tasks may start now. */
export const roomIn = (lane: Lane, settings: QueueSettings): number =>
  Math.min(settings.concurrentMax - lane.underway, Math.floor(lane.tokens));

/** When the bucket, just refilled, holds a token again. */
export const nextTokenMs = (lane: Lane, settings: QueueSettings): number =>
  lane.refilledMs + Math.ceil((Math.max(1 - lane.tokens, 0) / settings.dispatchesPerSecond) * 1000);
