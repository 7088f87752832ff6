import { expect, test } from "vitest";
import { type Behaviour, GOOD, simulateTraffic } from "../testing/simulated-traffic.ts";
import { certainty } from "./compare.ts";
import { bucketOf, LAST_BUCKET, quantile } from "./histogram.ts";
import { judge, type Verdict } from "./judge.ts";
import { countsOfOutcome } from "./outcome.ts";
import { addTally, emptyPair, emptyTally, type Pair, type Stratum } from "./tally.ts";

const thresholds = { errorPoints: 2, latencyRatio: 1.5, negativePoints: 10, minimumSamples: 50 };
const QUESTIONS = 10_000;
const LOOK_EVERY = 100;

/** Asks until the candidate is rolled back; the judge looks a hundred times. */
function trial(
  seed: number,
  share: number,
  candidate: (language: string, question: number) => Behaviour,
  stable: (question: number) => Behaviour = () => GOOD,
): { verdict: Verdict; questions: number; strata: readonly Stratum[] } {
  const traffic = simulateTraffic(seed, 500);
  const stratum: Stratum = { windowMs: 0, percent: share * 100, languages: new Map<string, Pair>() };
  for (let questions = 1; questions <= QUESTIONS; questions += 1) {
    const { language } = traffic.question();
    const pair = stratum.languages.get(language) ?? emptyPair();
    stratum.languages.set(language, pair);
    const arm = traffic.random() < share ? "candidate" : "stable";
    const behaviour = arm === "candidate" ? candidate(language, questions) : stable(questions);
    for (const outcome of traffic.outcomes(behaviour)) addTally(pair[arm], countsOfOutcome(outcome));
    if (questions % LOOK_EVERY > 0) continue;
    const verdict = judge([stratum], [], thresholds);
    if (verdict.kind !== "keep") return { verdict, questions, strata: [stratum] };
  }
  return { verdict: { kind: "keep" }, questions: QUESTIONS, strata: [stratum] };
}
const seeds = [1, 2, 3, 4, 5, 6, 7, 8];

test.each([
  ["as good", GOOD],
  ["just as much worse as it may be", { errorShare: 0.03, medianMs: 1_300, downShare: 0.3 }],
  ["better", { errorShare: 0, medianMs: 500, downShare: 0.1 }],
])("a candidate that is %s is never rolled back", (_, behaviour) => {
  for (const seed of seeds) {
    expect(trial(seed, 0.5, () => behaviour).verdict.kind).toBe("keep");
    expect(trial(seed, 0.05, () => behaviour).verdict.kind).toBe("keep");
  }
});

test.each([
  ["fails more", { ...GOOD, errorShare: 0.08 }, /^errors$/],
  ["takes twice as long", { ...GOOD, medianMs: 1_800 }, /^(latency|first-token)-/],
  ["pleases fewer", { ...GOOD, downShare: 0.6 }, /^negative$/],
] as const)("a candidate that %s is rolled back for all", (_, behaviour, metric) => {
  for (const seed of seeds) {
    const { verdict, questions } = trial(seed, 0.5, () => behaviour);
    expect(verdict).toMatchObject({ kind: "whole" });
    expect(verdict.kind === "whole" && verdict.figures.some((each) => metric.test(each.metric))).toBe(true);
    expect(questions).toBeLessThan(4_000);
  }
});

test("a candidate that fails in one language goes back there, and stays elsewhere", () => {
  for (const seed of seeds) {
    const { verdict } = trial(seed, 0.5, (language) =>
      language === "es" ? { ...GOOD, errorShare: 0.15 } : GOOD,
    );
    expect(verdict).toMatchObject({ kind: "segment", language: "es" });
    expect(verdict.kind === "segment" && verdict.figures[0]).toMatchObject({
      metric: "errors",
      threshold: 2,
    });
  }
});

test("a candidate that fails altogether is gone as soon as there are enough samples", () => {
  const { verdict, questions } = trial(1, 0.5, () => ({ ...GOOD, errorShare: 1 }));
  expect(verdict.kind).toBe("whole");
  expect(questions).toBeLessThanOrEqual(300);
});

const counted = (answers: number, errors: number) => Object.assign(emptyTally(), { answers, errors });
const oneStratum = (percent: number, languages: Readonly<Record<string, Pair>>): Stratum => ({
  windowMs: percent,
  percent,
  languages: new Map(Object.entries(languages)),
});

test("an outage of the provider during a later step, felt by both, is not the candidate's fault", () => {
  const calm = oneStratum(5, { en: { stable: counted(9_500, 95), candidate: counted(500, 5) } });
  const outage = oneStratum(50, { en: { stable: counted(2_000, 800), candidate: counted(2_000, 800) } });
  expect(judge([calm, outage], [], thresholds).kind).toBe("keep");
  const together = { stable: counted(11_500, 895), candidate: counted(2_500, 805) };
  expect(judge([oneStratum(0, { en: together })], [], thresholds).kind).toBe("whole");
});

test("below the minimum of samples nothing is concluded", () => {
  const pair = { stable: counted(1_000, 0), candidate: counted(49, 49) };
  expect(judge([oneStratum(5, { en: pair })], [], thresholds).kind).toBe("keep");
});

test("with one language alone, or a second one that fails, the whole goes back", () => {
  const bad = { stable: counted(500, 5), candidate: counted(500, 100) };
  const good = { stable: counted(500, 5), candidate: counted(500, 5) };
  expect(judge([oneStratum(50, { es: bad })], [], thresholds).kind).toBe("whole");
  expect(judge([oneStratum(50, { es: bad, fr: bad, en: good })], [], thresholds).kind).toBe("whole");
  expect(judge([oneStratum(50, { es: bad, en: good })], [], thresholds)).toMatchObject({
    kind: "segment",
    language: "es",
  });
  expect(judge([oneStratum(50, { es: bad, en: good })], ["es"], thresholds).kind).toBe("keep");
  expect(judge([oneStratum(50, { es: bad, fr: bad, en: good })], ["es"], thresholds).kind).toBe("whole");
});

test("opinions taken back in a later window count for nothing there", () => {
  const rated = (up: number, down: number) => Object.assign(emptyTally(), { up, down });
  const before = oneStratum(50, { en: { stable: rated(100, 10), candidate: rated(100, 10) } });
  const after = oneStratum(51, { en: { stable: rated(60, -2), candidate: rated(-3, -1) } });
  expect(judge([before, after], [], thresholds).kind).toBe("keep");
});

test("the boundary asks for more than a single look would, and hardly grows", () => {
  for (const samples of [50, 200, 1_000, 100_000]) {
    expect(certainty(samples, 0.0003)).toBeGreaterThan(3.43);
    expect(certainty(samples, 0.0003)).toBeLessThan(5);
  }
});

test("quantiles of counted times are right to a fifth, however long or short they are", () => {
  for (const ms of [1, 7, 350, 12_000, 290_000]) {
    const found = quantile({ [bucketOf(ms)]: 10 }, 0.5) ?? 0;
    expect(Math.abs(found / ms - 1)).toBeLessThan(0.2);
  }
  expect(bucketOf(0)).toBe(0);
  expect(bucketOf(Number.MAX_SAFE_INTEGER)).toBe(LAST_BUCKET);
  expect(quantile({}, 0.5)).toBeUndefined();
});
