import { describe, expect, test } from "vitest";
import { NOTHING_OBSERVED } from "./platform-metrics.ts";
import {
  FAILURES_MIN,
  LATENCY_MS_MIN,
  MEMORY_SHARE_MAX,
  type Observed,
  observe,
  RUNS_MIN,
  STARTS_MIN,
  verdictOf,
} from "./rollout-verdict.ts";

const before = { runs: 1000, failures: 2, p95Ms: 100 };
const isGood = (candidate: Observed | undefined, other: Observed | undefined = before): boolean =>
  verdictOf({ lines: candidate }, { lines: other }).isGood;

describe("a candidate", () => {
  test("is good as long as nothing says otherwise", () => {
    expect(isGood(undefined)).toBe(true);
    expect(isGood({ runs: 500, failures: 0, p95Ms: 110 })).toBe(true);
    expect(isGood({ runs: 500, failures: 0, p95Ms: 110 }, undefined)).toBe(true);
  });

  test("is bad when it fails more often than the one before and than nobody minds", () => {
    expect(isGood({ runs: 100, failures: FAILURES_MIN, p95Ms: 100 })).toBe(false);
    expect(isGood({ runs: 100, failures: FAILURES_MIN - 1, p95Ms: 100 })).toBe(true);
    expect(isGood({ runs: 1000, failures: 10, p95Ms: 100 })).toBe(true);
    expect(isGood({ runs: 1000, failures: 11, p95Ms: 100 })).toBe(false);
  });

  test("is as good as the one before while both fail, as in an outage", () => {
    const outage = { runs: 1000, failures: 400, p95Ms: 100 };
    expect(isGood({ runs: 100, failures: 50, p95Ms: 100 }, outage)).toBe(true);
    expect(isGood({ runs: 100, failures: 90, p95Ms: 100 }, outage)).toBe(false);
  });

  test("is bad when it is clearly and noticeably slower, once there is enough to compare", () => {
    expect(isGood({ runs: RUNS_MIN, failures: 0, p95Ms: LATENCY_MS_MIN + 1 })).toBe(false);
    expect(isGood({ runs: RUNS_MIN - 1, failures: 0, p95Ms: 5000 })).toBe(true);
    expect(isGood({ runs: RUNS_MIN, failures: 0, p95Ms: LATENCY_MS_MIN })).toBe(true);
    expect(isGood({ runs: RUNS_MIN, failures: 0, p95Ms: 400 }, { ...before, p95Ms: 300 })).toBe(true);
  });
});

describe("by Cloud Run's own metrics a candidate", () => {
  const steady = { ...NOTHING_OBSERVED, requests: 1000, failed: 2, memoryShare: 0.5, starts: 2 };
  const verdict = (change: Partial<typeof steady>, others: Partial<typeof steady> = {}) =>
    verdictOf({ platform: { ...steady, ...change } }, { platform: { ...steady, ...others } });

  test("is good when it does as the one before", () => {
    expect(verdict({})).toEqual({ isGood: true, says: "2 of 1000 answered 5xx" });
  });

  test("is bad when it answers nothing of what it writes lines about", () => {
    const dying = { requests: 20, failed: 20 };
    expect(verdict(dying)).toEqual({ isGood: false, says: "20 of 20 answered 5xx; before 0.2 %" });
    const lines = { runs: 5, failures: 0, p95Ms: 10 };
    expect(verdictOf({ lines, platform: { ...steady, ...dying } }, { platform: steady }).isGood).toBe(false);
    expect(verdict(dying, { failed: 900 }).isGood).toBe(true);
  });

  test("is bad when its instances are ended more often", () => {
    expect(verdict({ kills: 1 }).says).toBe("1 instances were ended; before 0");
    expect(verdict({ kills: 1 }, { kills: 1 }).isGood).toBe(true);
  });

  test("is bad when its memory is nearly full, and was not before", () => {
    expect(verdict({ memoryShare: MEMORY_SHARE_MAX + 0.01 }).isGood).toBe(false);
    expect(verdict({ memoryShare: MEMORY_SHARE_MAX }).isGood).toBe(true);
    expect(verdict({ memoryShare: 0.95 }, { memoryShare: 0.96 }).isGood).toBe(true);
  });

  test("is bad when its instances do not stay", () => {
    expect(verdict({ starts: STARTS_MIN, requests: 15, failed: 0 }).isGood).toBe(false);
    expect(verdict({ starts: STARTS_MIN - 1, requests: 15, failed: 0 }).isGood).toBe(true);
    expect(verdict({ starts: STARTS_MIN, requests: 20, failed: 0 }).isGood).toBe(true);
  });
});

test("lines are counted by revision; requests fail by status, deliveries by severity", () => {
  const line = (revision: string, latencyMs: number, more: object) => ({
    resource: { labels: { revision_name: revision } },
    jsonPayload: { latencyMs },
    ...more,
  });
  const lines = [
    ...Array.from({ length: 19 }, (_, index) => line("api-2", index, { httpRequest: { status: 200 } })),
    line("api-2", 900, { httpRequest: { status: 503 }, severity: "ERROR" }),
    line("api-2", 5, { httpRequest: { status: 404 }, severity: "NOTICE" }),
    line("mail-1", 7, { severity: "ERROR" }),
    line("mail-1", 8, { severity: "INFO" }),
  ];
  expect(observe(lines)).toEqual(
    new Map([
      ["api-2", { runs: 21, failures: 1, p95Ms: 18 }],
      ["mail-1", { runs: 2, failures: 1, p95Ms: 8 }],
    ]),
  );
});
