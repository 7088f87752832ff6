import type { Term } from "./parse-terms.ts";
import { isNear } from "./spelling.ts";
import { charactersAround, isWordEdge, wordsOf } from "../words/words.ts";

/** Where a term stands in a folded text. */
export interface Found {
  readonly term: number;
  /** In UTF-16 units, the end is not in it. */
  readonly start: number;
  readonly end: number;
  readonly as: "word" | "start" | "inside" | "near";
}

/** Places of one term that are looked at; what ranks and what is highlighted needs no more. */
export const PLACES_MAX = 30;

/** Words of a text that are compared with a misspelt one: about 12,000 characters. */
const WORDS_COMPARED_MAX = 2_000;

export interface Match {
  readonly found: readonly Found[];
  /** Every term stands there as it is. */
  readonly isExact: boolean;
}

/**
 * Where the terms stand in a folded text; undefined unless all of them do, as they are or, where asked for,
 * misspelt.
 */
export function matchText(folded: string, terms: readonly Term[], tolerant: boolean): Match | undefined {
  const found: Found[] = [];
  let isExact = true;
  for (const [index, term] of terms.entries()) {
    let places = placesOf(folded, term.text, index);
    if (places.length === 0 && tolerant && term.isTolerant) {
      places = nearPlacesOf(folded, term.text, index);
      isExact = false;
    }
    if (places.length === 0) return undefined;
    found.push(...places);
  }
  return { found: found.sort((a, b) => a.start - b.start || b.end - a.end), isExact };
}

function placesOf(folded: string, text: string, term: number): Found[] {
  const places: Found[] = [];
  let at = folded.indexOf(text);
  while (at >= 0 && places.length < PLACES_MAX) {
    const end = at + text.length;
    const begins = isWordEdge(...charactersAround(folded, at));
    const ends = isWordEdge(...charactersAround(folded, end));
    places.push({ term, start: at, end, as: begins ? (ends ? "word" : "start") : "inside" });
    at = folded.indexOf(text, end);
  }
  return places;
}

function nearPlacesOf(folded: string, text: string, term: number): Found[] {
  const places: Found[] = [];
  let compared = 0;
  for (const word of wordsOf(folded)) {
    compared += 1;
    if (places.length >= PLACES_MAX || compared > WORDS_COMPARED_MAX) break;
    if (!isNear(text, word.text)) continue;
    places.push({ term, start: word.start, end: word.start + word.text.length, as: "near" });
  }
  return places;
}
