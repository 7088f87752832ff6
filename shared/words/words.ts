/** A text's characters as code points: what grams and edits count. */
export const charactersOf = (text: string): string[] => Array.from(text);

/** Signs of which there are thousands: two of them say as much as four letters. */
const DENSE =
  /[\p{Script=Han}\p{Script=Hangul}\p{Script=Yi}\p{Script=Tangut}\p{Script=Nushu}\p{Extended_Pictographic}]/u;
export const isDense = (text: string): boolean => DENSE.test(text);

/** A run of letters and digits in a folded text. */
export interface Word {
  readonly text: string;
  readonly start: number;
}

const WORD = /[\p{L}\p{N}\p{M}]+/gu;

export function* wordsOf(folded: string): Generator<Word> {
  for (const { 0: text, index } of folded.matchAll(WORD)) yield { text, start: index };
}

const WORD_CHARACTER = /[\p{L}\p{N}\p{M}]/u;

/** Whether a word begins or ends between two characters. Dense signs are words each. */
export function isWordEdge(before: string, after: string): boolean {
  if (before === "" || after === "") return true;
  const isInside = WORD_CHARACTER.test(before) && WORD_CHARACTER.test(after);
  return !isInside || isDense(before) || isDense(after);
}

/** The character before and the one behind a place, whole also where it takes two units. */
export function charactersAround(text: string, at: number): readonly [before: string, after: string] {
  const after = text.codePointAt(at);
  const before = text.codePointAt(at - 2);
  const isPair = before !== undefined && before > 0xffff;
  return [
    isPair ? String.fromCodePoint(before) : text.charAt(at - 1),
    after === undefined ? "" : String.fromCodePoint(after),
  ];
}
