import type { DocumentData } from "../platform/firestore.ts";
import type { Arm } from "./choose.ts";
import { addTo } from "./histogram.ts";

/** What has been counted of one version's answers. */
export interface Tally {
  answers: number;
  errors: number;
  up: number;
  down: number;
  shadowRuns: number;
  shadowDifferences: number;
  /** Of the answers that came to their end. */
  latency: Record<number, number>;
  firstToken: Record<number, number>;
}

export type Pair = Readonly<Record<Arm, Tally>>;

/**
 * Outcomes that can be compared as they are: of one stretch of time and one share of the people, within which
 * it was chance alone who got which version.
 */
export interface Stratum {
  readonly windowMs: number;
  readonly percent: number;
  readonly languages: Map<string, Pair>;
}

export const emptyTally = (): Tally => ({
  answers: 0,
  errors: 0,
  up: 0,
  down: 0,
  shadowRuns: 0,
  shadowDifferences: 0,
  latency: {},
  firstToken: {},
});
export const emptyPair = (): Pair => ({ stable: emptyTally(), candidate: emptyTally() });

const COUNTS = ["answers", "errors", "up", "down", "shadowRuns", "shadowDifferences"] as const;

export function addTally(into: Tally, from: Partial<Tally>): void {
  for (const name of COUNTS) into[name] += from[name] ?? 0;
  addTo(into.latency, from.latency ?? {});
  addTo(into.firstToken, from.firstToken ?? {});
}

export function addPair(into: Pair, from: Partial<Record<Arm, Partial<Tally>>>): void {
  addTally(into.stable, from.stable ?? {});
  addTally(into.candidate, from.candidate ?? {});
}

/** Counts as documents hold them: by arm and language, with bucket numbers as names. */
export type StoredCounts = Partial<Record<Arm, Record<string, Partial<Tally>>>>;

export function addCounts(languages: Map<string, Pair>, counts: StoredCounts): void {
  for (const arm of ["stable", "candidate"] as const) {
    for (const [language, tally] of Object.entries(counts[arm] ?? {})) {
      const pair = languages.get(language) ?? emptyPair();
      languages.set(language, pair);
      addTally(pair[arm], tally);
    }
  }
}

/** The reverse of `addCounts`. */
export const storedCounts = (languages: ReadonlyMap<string, Pair>): StoredCounts => ({
  stable: Object.fromEntries([...languages].map(([language, { stable }]) => [language, stable])),
  candidate: Object.fromEntries([...languages].map(([language, { candidate }]) => [language, candidate])),
});

/** Puts the shards of each stratum together. */
export function strataOf(documents: readonly DocumentData[]): Stratum[] {
  const strata = new Map<string, Stratum>();
  for (const { windowAt, percent, counts } of documents) {
    const windowMs: number = windowAt.toMillis();
    const key = `${windowMs}.${percent}`;
    const stratum = strata.get(key) ?? { windowMs, percent: Number(percent), languages: new Map() };
    strata.set(key, stratum);
    addCounts(stratum.languages, counts as StoredCounts);
  }
  return [...strata.values()];
}
