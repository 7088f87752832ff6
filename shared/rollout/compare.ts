import type { Arm } from "./choose.ts";
import type { Figures, METRICS, Thresholds } from "./contract.ts";
import { addTo, countOf, type Histogram, quantile } from "./histogram.ts";
import type { Pair, Tally } from "./tally.ts";

export type Metric = (typeof METRICS)[number];

/** A comparison by one metric. `isWorse`: so much that chance is no explanation. */
export interface Comparison extends Omit<Figures, "language"> {
  readonly isWorse: boolean;
}

/** What a metric looks at: how many, and of those how many failed, or how long they took. */
type Measure =
  | { readonly kind: "share"; of(tally: Tally): { readonly samples: number; readonly bad: number } }
  | { readonly kind: "time"; readonly share: number; of(tally: Tally): Histogram };

const MEASURES: Readonly<Record<Metric, Measure>> = {
  errors: { kind: "share", of: ({ answers, errors }) => ({ samples: answers, bad: errors }) },
  "latency-p50": { kind: "time", share: 0.5, of: ({ latency }) => latency },
  "latency-p95": { kind: "time", share: 0.95, of: ({ latency }) => latency },
  "first-token-p50": { kind: "time", share: 0.5, of: ({ firstToken }) => firstToken },
  // An opinion that is taken back in a later window leaves that window with less than none.
  negative: {
    kind: "share",
    of: ({ up, down }) => ({ samples: Math.max(up, 0) + Math.max(down, 0), bad: Math.max(down, 0) }),
  },
};

const thresholdOf = (metric: Metric, thresholds: Thresholds): number => {
  if (metric === "errors") return thresholds.errorPoints;
  return metric === "negative" ? thresholds.negativePoints : thresholds.latencyRatio;
};

/**
 * How much larger than its standard error a difference has to be, given `samples`, so that the chance of ever
 * exceeding it without cause, however often one looks while samples come in, is `alpha`: the one-sided normal
 * mixture boundary (Howard, Ramdas, McAuliffe and Sekhon, "Time-uniform, nonparametric, nonasymptotic
 * confidence sequences", 2021, section 3.2). A fixed limit would be exceeded by chance sooner or later by
 * someone who looks every minute.
 */
export function certainty(samples: number, alpha: number): number {
  const growth = Math.sqrt((samples + TIGHTEST) / TIGHTEST);
  return Math.sqrt(2 * (1 + TIGHTEST / samples) * Math.log(growth / (2 * alpha) + 1));
}
/** The boundary is tightest at about twenty times as many samples. */
const TIGHTEST = 10;

/**
 * Compares the candidate with the stable version over strata by one metric; undefined when there are too few
 * samples. Strata are weighted as by Mantel and Haenszel, so that what differs between them (an hour in which
 * the provider failed for both, a time in which fewer people took part, a language) is not taken for a
 * difference between the versions.
 */
export function compare(
  metric: Metric,
  strata: readonly Pair[],
  thresholds: Thresholds,
  alpha: number,
): Comparison | undefined {
  const measure = MEASURES[metric];
  const limits = { metric, threshold: thresholdOf(metric, thresholds), minimum: thresholds.minimumSamples };
  return measure.kind === "share"
    ? compareShares(measure, strata, limits, alpha)
    : compareTimes(measure, strata, limits, alpha);
}

interface Limits {
  readonly metric: Metric;
  readonly threshold: number;
  readonly minimum: number;
}

/** Strata's weights, and what each arm's weighted samples are worth: as many unweighted ones. */
function weigh(sizes: readonly Readonly<Record<Arm, number>>[]) {
  const weights = sizes.map(({ stable, candidate }) =>
    stable > 0 && candidate > 0 ? (stable * candidate) / (stable + candidate) : 0,
  );
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const worth = (arm: Arm): number => {
    const spread = weights.reduce((sum, weight, at) => {
      const size = sizes[at]?.[arm] ?? 0;
      return weight === 0 ? sum : sum + weight ** 2 / size;
    }, 0);
    return spread === 0 ? 0 : total ** 2 / spread;
  };
  const samples = (arm: Arm): number =>
    sizes.reduce((sum, size, at) => sum + (weights[at] === 0 ? 0 : size[arm]), 0);
  return { weights, total, worth, samples };
}

function compareShares(
  { of }: Extract<Measure, { kind: "share" }>,
  strata: readonly Pair[],
  { metric, threshold, minimum }: Limits,
  alpha: number,
): Comparison | undefined {
  const counted = strata.map(({ stable, candidate }) => ({ stable: of(stable), candidate: of(candidate) }));
  const { weights, total, worth, samples } = weigh(
    counted.map(({ stable, candidate }) => ({ stable: stable.samples, candidate: candidate.samples })),
  );
  if (samples("stable") < minimum || samples("candidate") < minimum) return undefined;
  const share = (arm: Arm): number =>
    counted.reduce((sum, pair, at) => {
      const weight = weights[at] ?? 0;
      return weight === 0 ? sum : sum + (weight / total) * (pair[arm].bad / pair[arm].samples);
    }, 0);
  // A share without failures is not known to be 0, so one success and one failure are added (Agresti and
  // Caffo).
  const variance = (arm: Arm): number => {
    const likely = (share(arm) * worth(arm) + 1) / (worth(arm) + 2);
    return (likely * (1 - likely)) / worth(arm);
  };
  const information = 1 / (1 / worth("stable") + 1 / worth("candidate"));
  const error = Math.sqrt(variance("stable") + variance("candidate"));
  const difference = share("candidate") - share("stable");
  const atLeast = 100 * (difference - certainty(information, alpha) * error);
  return {
    metric,
    stable: rounded(100 * share("stable")),
    candidate: rounded(100 * share("candidate")),
    stableSamples: samples("stable"),
    candidateSamples: samples("candidate"),
    measured: rounded(100 * difference),
    atLeast: rounded(atLeast),
    threshold,
    isWorse: atLeast > threshold,
  };
}

function compareTimes(
  { of, share }: Extract<Measure, { kind: "time" }>,
  strata: readonly Pair[],
  { metric, threshold, minimum }: Limits,
  alpha: number,
): Comparison | undefined {
  const counted = strata.map(({ stable, candidate }) => ({ stable: of(stable), candidate: of(candidate) }));
  const sizes = counted.map((pair) => ({ stable: countOf(pair.stable), candidate: countOf(pair.candidate) }));
  const { weights, worth, samples } = weigh(sizes);
  if (samples("stable") < minimum || samples("candidate") < minimum) return undefined;
  const weighted = (arm: Arm): Histogram => {
    const all: Record<number, number> = {};
    for (const [at, pair] of counted.entries()) {
      const weight = weights[at] ?? 0;
      if (weight > 0) addTo(all, pair[arm], weight / (sizes[at]?.[arm] ?? 1));
    }
    return all;
  };
  const stable = weighted("stable");
  const candidate = weighted("candidate");
  // How far the share below a time may be off, half of the risk for each version.
  const off = (arm: Arm): number =>
    certainty(worth(arm), alpha / 2) * Math.sqrt((share * (1 - share)) / worth(arm));
  const low = share - off("candidate");
  const high = share + off("stable");
  const stableMs = quantile(stable, share) ?? 0;
  const candidateMs = quantile(candidate, share) ?? 0;
  const atLeast =
    low <= 0 || high >= 1 ? 0 : (quantile(candidate, low) ?? 0) / (quantile(stable, high) ?? Infinity);
  return {
    metric,
    stable: rounded(stableMs),
    candidate: rounded(candidateMs),
    stableSamples: samples("stable"),
    candidateSamples: samples("candidate"),
    measured: rounded(candidateMs / stableMs),
    atLeast: rounded(atLeast),
    threshold,
    isWorse: atLeast > threshold,
  };
}

const rounded = (value: number): number => Math.round(value * 1000) / 1000;
