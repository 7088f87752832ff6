import { charactersOf, isDense, wordsOf } from "../words/words.ts";

/** A word of fewer characters is too near to too many others. */
export const TOLERANT_CHARS_MIN = 4;
/** From here on two edits are allowed, and one below. */
export const TWO_EDITS_CHARS_MIN = 8;
/** Of two words one edit apart the shorter may be this long for the longer to be allowed two. */
const TWO_EDITS_OTHER_MIN = 6;
/** Two edits are looked for within so many first characters. */
const HEAD_CHARS = 6;

const LETTERS = /^[\p{L}\p{M}]+$/u;

/** Whether a folded word may be misspelt. Numbers and dense signs are meant as they are. */
export const isTolerant = (word: string): boolean =>
  LETTERS.test(word) && !isDense(word) && charactersOf(word).length >= TOLERANT_CHARS_MIN;

/** How many edits may lie between a word of the query and one of a text; 0 when they have to be the same. */
export function editsAllowed(wordChars: number, otherChars: number): 0 | 1 | 2 {
  const shorter = Math.min(wordChars, otherChars);
  const longer = Math.max(wordChars, otherChars);
  if (wordChars < TOLERANT_CHARS_MIN || shorter < TOLERANT_CHARS_MIN - 1) return 0;
  return longer >= TWO_EDITS_CHARS_MIN && shorter >= TWO_EDITS_OTHER_MIN ? 2 : 1;
}

/** Whether so few edits turn one word into the other: a character more, less, another, or two swapped. */
export function isNear(word: string, other: string): boolean {
  // Most pairs differ too much in length: two edits are two characters, of up to two units each.
  if (Math.abs(word.length - other.length) > 4) return false;
  const a = charactersOf(word);
  const b = charactersOf(other);
  const allowed = editsAllowed(a.length, b.length);
  if (Math.abs(a.length - b.length) > allowed) return false;
  return allowed > 0 && distance(a, b, allowed) <= allowed;
}

/**
 * Optimal string alignment (Damerau 1964, each piece edited once); above `most` when it is more than that.
 */
function distance(a: readonly string[], b: readonly string[], most: number): number {
  let above: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row += 1) {
    const next = [row];
    let least = row;
    for (let column = 1; column <= b.length; column += 1) {
      const isSame = a[row - 1] === b[column - 1];
      let edits = Math.min(
        (last[column] ?? 0) + 1,
        (next[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (isSame ? 0 : 1),
      );
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        edits = Math.min(edits, (above[column - 2] ?? 0) + 1);
      }
      next.push(edits);
      least = Math.min(least, edits);
    }
    if (least > most) return least;
    above = last;
    last = next;
  }
  return last[b.length] ?? 0;
}

const without = (characters: readonly string[], at: number): string =>
  characters.filter((_, index) => index !== at).join("");

/** A word with each of its characters left out in turn. */
export function shortened(word: string): Set<string> {
  const characters = charactersOf(word);
  return new Set(characters.map((_, at) => without(characters, at)));
}

/**
 * The first characters of a word with every two of them left out. Of two words with two edits between them
 * the first six characters have four in common, in the same order.
 */
function heads(word: string): Set<string> {
  const head = charactersOf(word).slice(0, HEAD_CHARS);
  const found = new Set<string>();
  for (const first of head.keys()) {
    const rest = head.filter((_, index) => index !== first);
    for (let second = first; second < rest.length; second += 1) found.add(`*${without(rest, second)}`);
  }
  return found;
}

/**
 * What a text is found by in spite of misspelling (Mor and Fraenkel 1982: words that are near have a
 * shortened form in common): its words of 4 to 8 letters with one left out, and the first six letters of
 * longer ones with two left out.
 */
export function spellingsOf(folded: string): Set<string> {
  const found = new Set<string>();
  const words = new Set([...wordsOf(folded)].map(({ text }) => text).filter(isTolerant));
  for (const word of words) {
    const { length } = charactersOf(word);
    if (length <= TWO_EDITS_CHARS_MIN) for (const each of shortened(word)) found.add(each);
    if (length >= TWO_EDITS_CHARS_MIN - 1) for (const each of heads(word)) found.add(each);
  }
  return found;
}

/**
 * The spellings by which texts are found that have a word near to this one; and words, one letter shorter, to
 * look for as they are.
 */
export function spellingsNear(word: string): { readonly spellings: string[]; readonly words: string[] } {
  const { length } = charactersOf(word);
  const spellings = new Set<string>();
  const words = new Set<string>();
  if (length < TWO_EDITS_CHARS_MIN) {
    spellings.add(word);
    for (const each of shortened(word)) {
      spellings.add(each);
      words.add(each);
    }
  }
  if (length >= HEAD_CHARS) for (const each of heads(word)) spellings.add(each);
  return { spellings: [...spellings], words: [...words] };
}
