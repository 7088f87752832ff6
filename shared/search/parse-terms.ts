import { foldText } from "../words/fold.ts";
import { isTolerant } from "./spelling.ts";

/** A piece of a query that a text must have. */
export interface Term {
  /** Folded; a phrase may have spaces in it. */
  readonly text: string;
  /** Whether a misspelling of it counts too. */
  readonly isTolerant: boolean;
}

/** Words that may be misspelt: each is compared with every word of every text that is looked at. */
const TOLERANT_TERMS_MAX = 4;

const QUOTED = /"([^"]*)(?:"|$)/g;

/**
 * What a query asks for: its words, and as one each what stands between double quotes; the last may still be
 * open. Everything else is literal. None at all when there is nothing but space and quotes.
 */
export function parseTerms(query: string): Term[] {
  const folded = foldText(query);
  const terms = new Map<string, Term>();
  let tolerant = 0;
  const add = (text: string, mayBeMisspelt: boolean): void => {
    if (text === "" || terms.has(text)) return;
    if (mayBeMisspelt) tolerant += 1;
    terms.set(text, { text, isTolerant: mayBeMisspelt && tolerant <= TOLERANT_TERMS_MAX });
  };
  let from = 0;
  const addWords = (piece: string): void => {
    for (const word of piece.split(" ")) add(word, isTolerant(word));
  };
  for (const { 0: whole, 1: phrase = "", index } of folded.matchAll(QUOTED)) {
    addWords(folded.slice(from, index));
    add(phrase.trim(), false);
    from = index + whole.length;
  }
  addWords(folded.slice(from));
  return [...terms.values()];
}
