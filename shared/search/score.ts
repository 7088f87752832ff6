import type { Found, Match } from "./match-text.ts";
import type { Term } from "./parse-terms.ts";
import { rarityOf } from "./plan-grams.ts";

/**
 * How well a text answers a query: Okapi BM25 over the ways in which a term may stand there, like BM25F over
 * fields (Robertson et al. 2004), with more for terms that follow one another and for a place near the
 * beginning, and weighted by age.
 */
const WEIGHTS: Readonly<Record<Found["as"], number>> = { word: 1, start: 0.7, inside: 0.4, near: 0.3 };
const SATURATION = 1.2;
/** Longer messages say a word more easily; half as much as in books, as messages are short. */
const LENGTH_WEIGHT = 0.4;
const LENGTH_MEAN = 80;
const FOLLOWING_BONUS = 0.5;
const BEGINNING_BONUS = 0.1;
const BEGINNING_CHARS = 30;
/** A message of so long ago counts a quarter less than a new one, and one of long ago half. */
const HALF_LIFE_MS = 30 * 24 * 3600 * 1000;
const AGE_WEIGHT = 0.5;
/** Terms may be parted by this much and still follow one another. */
const GAP_MAX = 2;
/** Any exact hit stands above any misspelt one. */
export const EXACT_BASE = 1_000;

export interface Scored {
  readonly match: Match;
  readonly chars: number;
  readonly ageMs: number;
}

/** Terms with what they weigh: the rarer, the more. */
export const weighTerms = (terms: readonly Term[]): number[] =>
  terms.map((term) => Math.log(1 + 1 / rarityOf(term)));

export function scoreOf(weights: readonly number[], { match, chars, ageMs }: Scored): number {
  const sums = weights.map(() => 0);
  for (const { term, as } of match.found) sums[term] = (sums[term] ?? 0) + WEIGHTS[as];
  const norm = SATURATION * (1 - LENGTH_WEIGHT + (LENGTH_WEIGHT * chars) / LENGTH_MEAN);
  let score = 0;
  for (const [term, sum] of sums.entries()) {
    const best = Math.max(
      0,
      ...match.found.filter((each) => each.term === term).map(({ as }) => WEIGHTS[as]),
    );
    // The best place decides; more of them add ever less.
    score += (weights[term] ?? 0) * best * ((sum * (SATURATION + 1)) / (sum + norm));
  }
  score *= 1 + FOLLOWING_BONUS * followingOf(match, weights.length);
  if ((match.found[0]?.start ?? BEGINNING_CHARS) < BEGINNING_CHARS) score *= 1 + BEGINNING_BONUS;
  score *= 1 - AGE_WEIGHT * (1 - 2 ** (-Math.max(0, ageMs) / HALF_LIFE_MS));
  return rounded(match.isExact ? EXACT_BASE + score : score);
}

/**
 * Which part of the terms stands right behind the one before it, as in the query: 1 for the query word by
 * word.
 */
function followingOf({ found }: Match, count: number): number {
  if (count < 2) return 0;
  const following = new Set<number>();
  for (const [index, place] of found.entries()) {
    for (let next = index + 1; next < found.length; next += 1) {
      const other = found[next];
      if (other === undefined || other.start > place.end + GAP_MAX) break;
      if (other.term === place.term + 1 && other.start >= place.end) following.add(other.term);
    }
  }
  return following.size / (count - 1);
}

/** Scores stand in cursors, so they are the same numbers everywhere. */
const rounded = (score: number): number => Math.round(score * 10_000) / 10_000;
