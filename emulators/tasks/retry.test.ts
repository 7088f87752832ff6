import { expect, test } from "vitest";
import { backoffMs, isExhausted, type RetryConfig } from "./retry.ts";

const config: RetryConfig = {
  attemptsMax: 5,
  retryDurationMs: 0,
  minBackoffMs: 10_000,
  maxBackoffMs: 300_000,
  doublingsMax: 3,
};

test("the wait doubles, then grows by a constant, then stays, as in the documentation's example", () => {
  const seconds = [1, 2, 3, 4, 5, 6, 7, 8].map((failures) => backoffMs(config, failures) / 1000);
  expect(seconds).toEqual([10, 20, 40, 80, 160, 240, 300, 300]);
});

test("without doublings the wait grows by the least wait", () => {
  const linear = { ...config, doublingsMax: 0 };
  expect([1, 2, 3].map((failures) => backoffMs(linear, failures))).toEqual([10_000, 20_000, 30_000]);
});

test("attempts alone end a task; with a duration too, both must be reached", () => {
  expect(isExhausted(config, 4, 1e9)).toBe(false);
  expect(isExhausted(config, 5, 0)).toBe(true);
  const both = { ...config, retryDurationMs: 60_000 };
  expect(isExhausted(both, 5, 59_999)).toBe(false);
  expect(isExhausted(both, 4, 60_000)).toBe(false);
  expect(isExhausted(both, 5, 60_000)).toBe(true);
});

test("unlimited attempts end by the duration only", () => {
  const unlimited = { ...config, attemptsMax: -1 };
  expect(isExhausted(unlimited, 1e6, 1e12)).toBe(false);
  expect(isExhausted({ ...unlimited, retryDurationMs: 60_000 }, 1, 60_000)).toBe(true);
});
