import { expect, test } from "vitest";
import { seededRandom } from "../../testing/seeded-random.ts";
import { SILENT_RUNS_MAX, silentAfter, withoutSilent, withSilent } from "./silent.ts";

test("runs grow together and come apart", () => {
  expect(withSilent([], 5)).toEqual([5, 5]);
  expect(withSilent([5, 5], 6)).toEqual([5, 6]);
  expect(withSilent([5, 6], 4)).toEqual([4, 6]);
  expect(withSilent([1, 1, 3, 3], 2)).toEqual([1, 3]);
  expect(withSilent([1, 3], 2)).toEqual([1, 3]);
  expect(withoutSilent([1, 3], 2)).toEqual([1, 1, 3, 3]);
  expect(withoutSilent([1, 3], 4)).toEqual([1, 3]);
  expect(withoutSilent([5, 5], 5)).toEqual([]);
  expect(withoutSilent(undefined, 5)).toEqual([]);
});

test("they count as a set of numbers does", () => {
  const random = seededRandom(7);
  const set = new Set<number>();
  let silent: readonly number[] = [];
  for (let step = 0; step < 3000; step += 1) {
    const number = 1 + Math.floor(random() * 300);
    if (random() < 0.6) {
      set.add(number);
      silent = withSilent(silent, number);
    } else {
      set.delete(number);
      silent = withoutSilent(silent, number);
    }
    const after = Math.floor(random() * 300);
    expect(silentAfter(silent, after)).toBe([...set].filter((one) => one > after).length);
  }
});

test("beyond SILENT_RUNS_MAX runs the oldest is forgotten", () => {
  let silent: readonly number[] = [];
  for (let run = 1; run <= SILENT_RUNS_MAX + 1; run += 1) silent = withSilent(silent, 2 * run);
  expect(silent).toHaveLength(2 * SILENT_RUNS_MAX);
  expect(silentAfter(silent, 0)).toBe(SILENT_RUNS_MAX);
  expect(silent[0]).toBe(4);
});
