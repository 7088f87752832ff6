import type { App } from "../identity/app.ts";
import type { RolloutReport, VersionReport } from "./contract.ts";
import { type Histogram, quantile } from "./histogram.ts";
import { listOutcomes, readTotal } from "./outcome.ts";
import { readStoredRollout } from "./read-rollout.ts";
import { addCounts, addPair, emptyPair, type Pair, strataOf, type Tally } from "./tally.ts";

/**
 * What both versions of a rollout's present trial have done since its beginning. Costs 2 reads and those of
 * its open outcomes: a document for each shard of at most WINDOWS_OPEN windows, and for each share of the
 * people within them.
 * @throws AppError `not_found`
 */
export async function reportRollout(app: App, name: string): Promise<RolloutReport> {
  const { trial, definition } = await readStoredRollout(app, name);
  const [open, total] = await Promise.all([listOutcomes(app, name, trial), readTotal(app, name, trial)]);
  const languages = new Map<string, Pair>();
  addCounts(languages, total);
  for (const stratum of strataOf(open.map((document) => document.data() ?? {}))) {
    for (const [language, pair] of stratum.languages) {
      const sum = languages.get(language) ?? emptyPair();
      languages.set(language, sum);
      addPair(sum, pair);
    }
  }
  const overall = emptyPair();
  for (const pair of languages.values()) addPair(overall, pair);
  const view = ({ stable, candidate }: Pair) => ({
    stable: versionReport(definition.stable, stable),
    candidate: versionReport(definition.candidate, candidate),
  });
  const answers = ({ stable, candidate }: Pair): number => stable.answers + candidate.answers;
  return {
    rollout: name,
    trial,
    overall: view(overall),
    segments: [...languages]
      .sort(([a, one], [b, other]) => answers(other) - answers(one) || (a < b ? -1 : 1))
      .map(([language, pair]) => ({ segment: { language }, ...view(pair) })),
  };
}

const versionReport = (version: string, tally: Tally): VersionReport => ({
  version,
  samples: tally.answers,
  errors: tally.errors,
  errorRate: tally.answers === 0 ? null : tally.errors / tally.answers,
  latencyMs: times(tally.latency),
  firstTokenMs: times(tally.firstToken),
  feedback: { up: tally.up, down: tally.down },
  shadow: { runs: tally.shadowRuns, differences: tally.shadowDifferences },
});

function times(histogram: Histogram): VersionReport["latencyMs"] {
  const p50 = quantile(histogram, 0.5);
  const p95 = quantile(histogram, 0.95);
  return p50 === undefined || p95 === undefined ? null : { p50: Math.round(p50), p95: Math.round(p95) };
}
