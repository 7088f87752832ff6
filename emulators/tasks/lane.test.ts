import { expect, test } from "vitest";
import { newLane, nextTokenMs, refill, roomIn } from "./lane.ts";
import type { QueueSettings } from "./queue.ts";

const settings = { dispatchesPerSecond: 10, concurrentMax: 100 } as QueueSettings;

test("a clock that is set back takes no tokens from a queue", () => {
  const lane = newLane(settings, 1_000_000);
  lane.tokens = 0.5;
  refill(lane, settings, 0);
  expect(lane.tokens).toBe(0.5);
  expect(nextTokenMs(lane, settings)).toBe(50);
  refill(lane, settings, 50);
  expect(roomIn(lane, settings)).toBe(1);
});
