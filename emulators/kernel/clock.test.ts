import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createClock } from "./clock.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const HOUR_MS = 3_600_000;

test("wakes at once what has become due, in its order", () => {
  const clock = createClock();
  const woken: string[] = [];
  clock.at(clock.now() + 2 * HOUR_MS, () => woken.push("second"));
  clock.at(clock.now() + HOUR_MS, () => woken.push("first"));
  clock.at(clock.now() + 4 * HOUR_MS, () => woken.push("third"));
  clock.advance(3 * HOUR_MS);
  expect(woken).toEqual(["first", "second"]);
  vi.advanceTimersByTime(HOUR_MS);
  expect(woken).toEqual(["first", "second", "third"]);
});

test("moved back, it leaves what was set before at its time, and what was set since as far off as it is", () => {
  const clock = createClock();
  const woken: string[] = [];
  clock.at(clock.now() + 30 * HOUR_MS, () => woken.push("before"));
  clock.advance(25 * HOUR_MS);
  clock.at(clock.now() + HOUR_MS, () => woken.push("since"));
  clock.advance(-25 * HOUR_MS);
  vi.advanceTimersByTime(HOUR_MS);
  expect(woken).toEqual(["since"]);
  vi.advanceTimersByTime(28 * HOUR_MS);
  expect(woken).toEqual(["since"]);
  vi.advanceTimersByTime(HOUR_MS);
  expect(woken).toEqual(["since", "before"]);
});
