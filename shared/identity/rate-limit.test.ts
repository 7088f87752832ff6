import { expect, test } from "vitest";
import { seededRandom } from "../testing/seeded-random.ts";
import { type Counts, type Settled, takeTokens, USE_MS, WINDOW_MS } from "./rate-limit.ts";

const LIMIT = 100;

/** Instances that share a document, in a time of their own; every admission leaves its moment. */
function world(instances: number) {
  let counts: Counts = {};
  let nowMs = 1_000_000;
  const admitted: number[] = [];
  let operations = 0;
  let requests = 0;
  /** Which instance wrote last: the others have to read first. */
  let lastWriter = -1;
  const deniedUntilMs: number[] = [];
  const ahead: Settled[] = [];
  return {
    admitted,
    advance: (ms: number) => void (nowMs += ms),
    now: () => nowMs,
    cost: () => operations / requests,
    request(instance: number, waiting: number): void {
      requests += waiting;
      const own = ahead[instance % instances];
      let left = waiting;
      if (own !== undefined && nowMs < own.untilMs) {
        const used = Math.min(left, own.taken - own.used);
        ahead[instance % instances] = {
          ...own,
          used: own.used + used,
          lastUseMs: used > 0 ? nowMs : own.lastUseMs,
        };
        admitted.push(...Array<number>(used).fill(nowMs));
        left -= used;
      }
      if (left === 0 || nowMs < (deniedUntilMs[instance] ?? 0)) return;
      const taking = takeTokens(counts, nowMs, LIMIT, {
        waiting: Array<number>(left).fill(1),
        settled: ahead[instance % instances],
      });
      operations += taking.now === 0 || lastWriter !== instance ? 1 : 0;
      if (taking.now === 0) return void (deniedUntilMs[instance] = taking.nextFreeMs);
      operations += 1;
      lastWriter = instance;
      counts = taking.counts;
      admitted.push(...Array<number>(taking.now).fill(nowMs));
      ahead[instance % instances] = {
        untilMs: taking.aheadUntilMs,
        taken: taking.ahead,
        used: 0,
        lastUseMs: nowMs,
      };
    },
  };
}

function mostInAWindow(admitted: readonly number[]): number {
  let most = 0;
  for (let first = 0, last = 0; last < admitted.length; last += 1) {
    while ((admitted[last] ?? 0) - (admitted[first] ?? 0) >= WINDOW_MS) first += 1;
    most = Math.max(most, last - first + 1);
  }
  return most;
}

test.each([1, 2, 3, 4, 5, 6, 7, 8])(
  "no window of a minute admits more than the limit, whatever an adversary does (seed %i)",
  (seed) => {
    const random = seededRandom(seed);
    const { request, advance, admitted } = world(8);
    for (let step = 0; step < 4_000; step += 1) {
      const isBurst = random() < 0.05;
      request(Math.floor(random() * 8), isBurst ? Math.ceil(random() * 200) : 1);
      advance(random() < 0.02 ? random() * 70_000 : random() * (isBurst ? 50 : 900));
    }
    expect(mostInAWindow(admitted)).toBeLessThanOrEqual(LIMIT);
  },
);

test("under constant pressure from many instances at least 90 % of the limit is admitted, at a fifth of an operation a request", () => {
  const random = seededRandom(1);
  const { request, advance, admitted, now, cost } = world(8);
  const begunMs = now();
  while (now() - begunMs < 20 * WINDOW_MS) {
    request(Math.floor(random() * 8), 1 + Math.floor(random() * 3));
    advance(random() * 200);
  }
  expect(cost()).toBeLessThanOrEqual(0.2);
  const minutes = (now() - begunMs) / WINDOW_MS;
  expect(admitted.length / minutes).toBeGreaterThanOrEqual(0.9 * LIMIT);
  expect(mostInAWindow(admitted)).toBeLessThanOrEqual(LIMIT);
});

test("a burst finds the whole limit at once", () => {
  const { request, admitted } = world(1);
  request(0, 1_000);
  expect(admitted).toHaveLength(LIMIT);
});

test.each([90, 60, 30, 16])(
  "%i requests a minute through one instance cost a fifth of a write each",
  (rate) => {
    const { request, advance, cost } = world(1);
    for (let sent = 0; sent < 10 * rate; sent += 1) {
      request(0, 1);
      advance(WINDOW_MS / rate);
    }
    expect(cost()).toBeLessThanOrEqual(0.2 + 1 / (10 * rate));
  },
);

test("tokens that lie idle ahead are a small part of the limit over all instances", () => {
  const { request, advance, admitted } = world(8);
  for (let instance = 0; instance < 8; instance += 1) request(instance, 1);
  advance(USE_MS);
  request(0, 1_000);
  expect(admitted.length).toBeGreaterThanOrEqual(0.96 * LIMIT);
});
