import { charactersOf, isDense } from "./words.ts";

/** A gram where it stands in a run of characters without space. */
export interface PlacedGram {
  readonly gram: string;
  /** In code points, the end is not in it. */
  readonly start: number;
  readonly end: number;
}

export const GRAM_CHARS_MAX = 3;

/**
 * The grams of one to three characters of a run without space. Three characters only where none of them is
 * dense: there two are rare enough, and a text in such a script has hardly any three twice.
 */
export function* gramsOfRun(run: string): Generator<PlacedGram> {
  const characters = charactersOf(run);
  const dense = characters.map(isDense);
  for (const [start, character] of characters.entries()) {
    yield { gram: character, start, end: start + 1 };
    const second = characters[start + 1];
    if (second === undefined) continue;
    yield { gram: character + second, start, end: start + 2 };
    const third = characters[start + 2];
    if (third === undefined || dense[start] || dense[start + 1] || dense[start + 2]) continue;
    yield { gram: character + second + third, start, end: start + 3 };
  }
}

export const runsOf = (folded: string): string[] => folded.split(" ").filter((run) => run !== "");

/** Every gram of a folded text. */
export function gramsOf(folded: string): Set<string> {
  const grams = new Set<string>();
  for (const run of new Set(runsOf(folded))) for (const { gram } of gramsOfRun(run)) grams.add(gram);
  return grams;
}

/** The grams of one character only. */
export const singlesOf = (folded: string): Set<string> => new Set(charactersOf(folded.replaceAll(" ", "")));
