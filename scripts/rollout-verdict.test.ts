import { describe, expect, test } from "vitest";
import { FAILURES_MIN, LATENCY_MS_MIN, observe, RUNS_MIN, verdictOf } from "./rollout-verdict.ts";

const before = { runs: 1000, failures: 2, p95Ms: 100 };
const isGood = (
  candidate: Parameters<typeof verdictOf>[0],
  other: typeof before | undefined = before,
): boolean => verdictOf(candidate, other).isGood;

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
