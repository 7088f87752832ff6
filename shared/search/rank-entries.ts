import { foldText } from "../words/fold.ts";
import { matchText } from "./match-text.ts";
import type { Term } from "./parse-terms.ts";
import { scoreOf, weighTerms } from "./score.ts";
import type { FoundEntry } from "./store.ts";

/**
 * What is looked for: the terms as they are, or texts in which some are misspelt and that have not been found
 * before.
 */
export type Phase = "exact" | "near";

export interface Ranked {
  readonly entry: FoundEntry;
  readonly score: number;
}

/** Where in the order of ranks to go on. */
export interface RankPlace {
  readonly score: number;
  readonly id: string;
}

/** Those entries that have all terms, the best first and the newer of equals; only what is behind a place. */
export function rankEntries(
  entries: readonly FoundEntry[],
  terms: readonly Term[],
  {
    phase,
    atMs,
    behind,
  }: { readonly phase: Phase; readonly atMs: number; readonly behind?: RankPlace | undefined },
): Ranked[] {
  const weights = weighTerms(terms);
  const ranked: Ranked[] = [];
  for (const entry of entries) {
    const { text, at } = entry.stored;
    const folded = foldText(text);
    const match = matchText(folded, terms, phase === "near");
    if (match === undefined || match.isExact !== (phase === "exact")) continue;
    const score = scoreOf(weights, { match, chars: folded.length, ageMs: atMs - at.toMillis() });
    if (behind === undefined || isBehind({ entry, score }, behind)) ranked.push({ entry, score });
  }
  return ranked.sort((a, b) => b.score - a.score || (a.entry.id < b.entry.id ? -1 : 1));
}

const isBehind = ({ entry, score }: Ranked, place: RankPlace): boolean =>
  score < place.score || (score === place.score && entry.id > place.id);
