import { frequencyOf } from "./gram-frequency.ts";
import { gramsOfRun, type PlacedGram, runsOf, singlesOf } from "../words/grams.ts";
import type { Term } from "./parse-terms.ts";

/** Grams that are joined in a query. More would find hardly less, and each is a list to walk along. */
export const GRAMS_JOINED_MAX = 6;
/** A gram that more messages have than this narrows nothing down. */
const COMMON = 0.25;

interface Candidate extends PlacedGram {
  readonly frequency: number;
  /** The run it stands in, counted over all terms. */
  readonly run: number;
}

/**
 * The few grams by which texts with all terms are looked for: of each term the rarest, and then the rarest
 * that cover what is not covered yet. What is found so may lack a term still; whatever is not, lacks one for
 * sure.
 */
export function planGrams(terms: readonly Term[], most = GRAMS_JOINED_MAX): string[] {
  const byTerm = candidatesOf(terms);
  const chosen = new Map<string, Candidate>();
  const rarest = byTerm.map((list) => list[0]).filter((candidate) => candidate !== undefined);
  for (const candidate of rarest.sort(byFrequency)) take(chosen, candidate, most);
  const covered = new Set([...chosen.values()].flatMap(placesOf));
  for (const candidate of byTerm.flat().sort(byFrequency)) {
    if (placesOf(candidate).every((place) => covered.has(place))) continue;
    if (!take(chosen, candidate, most)) continue;
    for (const place of placesOf(candidate)) covered.add(place);
  }
  return [...chosen.keys()];
}

const byFrequency = (a: Candidate, b: Candidate): number => a.frequency - b.frequency;

function take(chosen: Map<string, Candidate>, candidate: Candidate, most: number): boolean {
  if (chosen.size >= most || chosen.has(candidate.gram)) return false;
  if (chosen.size > 0 && candidate.frequency > COMMON) return false;
  chosen.set(candidate.gram, candidate);
  return true;
}

const placesOf = ({ run, start, end }: Candidate): string[] =>
  Array.from({ length: end - start }, (_, index) => `${run}:${start + index}`);

/** The grams of each term, its rarest first. */
function candidatesOf(terms: readonly Term[]): Candidate[][] {
  let run = 0;
  return terms.map(({ text }) =>
    runsOf(text)
      .flatMap((piece) => {
        run += 1;
        const here = run;
        return [...gramsOfRun(piece)].map((placed) => ({
          ...placed,
          frequency: frequencyOf(placed.gram),
          run: here,
        }));
      })
      .sort(byFrequency),
  );
}

/** The rarest characters of the terms: what texts are found by whose grams are too many to be kept. */
export function planCharacters(terms: readonly Term[]): string[] {
  const characters = new Set(terms.flatMap(({ text }) => [...singlesOf(text)]));
  return [...characters].sort((a, b) => frequencyOf(a) - frequencyOf(b)).slice(0, GRAMS_JOINED_MAX);
}

/** About which part of messages has a term. */
export function rarityOf({ text }: Term): number {
  return Math.min(
    1,
    ...runsOf(text).flatMap((run) => [...gramsOfRun(run)].map(({ gram }) => frequencyOf(gram))),
  );
}
