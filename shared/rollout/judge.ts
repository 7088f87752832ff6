import { type Comparison, compare, type Metric } from "./compare.ts";
import { type Figures, METRICS, type Thresholds } from "./contract.ts";
import type { Pair, Stratum } from "./tally.ts";

/**
 * The chance that a trial of a version that is as good as its thresholds demand is ever rolled back: over all
 * of its life, and shared by everything that is compared.
 */
export const ALPHA = 0.01;
/** Segments that may go back to the stable version alone; with one more the candidate is not a good one. */
export const WITHDRAWN_MAX = 1;

export type Verdict =
  | { readonly kind: "keep" }
  | { readonly kind: "segment"; readonly language: string; readonly figures: readonly Figures[] }
  | { readonly kind: "whole"; readonly figures: readonly Figures[] };

/**
 * Whether the candidate is to be rolled back, and for whom. Pure. Each language is compared by itself, and
 * all together; those that are withdrawn already are left out. When one language alone is worse, only that
 * one goes back, provided that the others are known to do well; otherwise everybody does.
 */
export function judge(
  strata: readonly Stratum[],
  withdrawn: readonly string[],
  thresholds: Thresholds,
): Verdict {
  const languages = new Set(strata.flatMap((stratum) => [...stratum.languages.keys()]));
  for (const language of withdrawn) languages.delete(language);
  const alpha = ALPHA / (METRICS.length * (languages.size + 1));
  const findings = (of: ReadonlySet<string>): Comparison[] => {
    const pairs = pairsOf(strata, of);
    return METRICS.flatMap((metric) => compare(metric, pairs, thresholds, alpha) ?? []);
  };
  const worse = [...languages].flatMap((language) => {
    const found = findings(new Set([language]));
    return found.some(({ isWorse }) => isWorse) ? [{ language, found }] : [];
  });
  const overall = findings(languages);
  const isOverallWorse = overall.some(({ isWorse }) => isWorse);
  if (worse.length === 0 && !isOverallWorse) return { kind: "keep" };
  const [only] = worse;
  if (worse.length === 1 && only !== undefined && withdrawn.length < WITHDRAWN_MAX) {
    const rest = new Set([...languages].filter((language) => language !== only.language));
    const metrics = only.found.filter(({ isWorse }) => isWorse).map(({ metric }) => metric);
    if (doesWell(findings(rest), metrics)) {
      return { kind: "segment", language: only.language, figures: figuresOf(only.found, only.language) };
    }
  }
  const figures = worse.flatMap(({ language, found }) => figuresOf(found, language));
  return { kind: "whole", figures: [...figuresOf(overall, null), ...figures] };
}

/**
 * The other languages show, by at least one measured metric, none of the faults of the one language.
 */
const doesWell = (rest: readonly Comparison[], metrics: readonly Metric[]): boolean =>
  metrics.every((metric) => {
    const found = rest.find((each) => each.metric === metric);
    return found !== undefined && found.measured <= found.threshold;
  });

const figuresOf = (found: readonly Comparison[], language: string | null): Figures[] =>
  found
    .filter(({ isWorse }) => isWorse)
    .map(({ isWorse: _isWorse, ...figures }) => ({ ...figures, language }));

const pairsOf = (strata: readonly Stratum[], languages: ReadonlySet<string>): Pair[] =>
  strata.flatMap((stratum) =>
    [...stratum.languages].flatMap(([language, pair]) => (languages.has(language) ? [pair] : [])),
  );
