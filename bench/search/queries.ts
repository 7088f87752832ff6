import { seededRandom } from "../../shared/testing/seeded-random.ts";
import type { Corpus } from "./corpus.ts";

export interface QueryClass {
  readonly name: string;
  readonly queries: readonly string[];
}

const LETTERS = "abcdefghijklmnopqrstuvwxyz";

/** What people might type, taken from the texts at random, and what nobody has written. */
export function queriesOf(corpus: Corpus, messages: number, count: number): QueryClass[] {
  const random = seededRandom(17);
  const below = (most: number): number => Math.floor(random() * most);
  const wordsOf = (): string[] =>
    corpus
      .text(below(messages))
      .toLowerCase()
      .match(/[a-z]+/g) ?? [];
  const word = (charsMin: number): string => {
    for (;;) {
      const found = wordsOf().filter(({ length }) => length >= charsMin);
      const one = found[below(found.length)];
      if (one !== undefined) return one;
    }
  };
  const piece = (chars: number): string => {
    const whole = word(chars);
    const from = below(whole.length - chars + 1);
    return whole.slice(from, from + chars);
  };
  const twoOf = (): string => {
    for (;;) {
      const found = wordsOf().filter(({ length }) => length >= 3);
      if (found.length >= 2) return `${found[0]} ${found.at(-1)}`;
    }
  };
  const misspelt = (): string => {
    const whole = word(5);
    const at = below(whole.length - 1);
    return whole.slice(0, at) + LETTERS.charAt(below(LETTERS.length)) + whole.slice(at + 1);
  };
  const nonsense = (): string =>
    Array.from({ length: 8 }, () => LETTERS.charAt(below(LETTERS.length))).join("");
  const times = (make: () => string): string[] => Array.from({ length: count }, make);
  return [
    { name: "1 character", queries: times(() => piece(1)) },
    { name: "2 characters", queries: times(() => piece(2)) },
    { name: "3 characters", queries: times(() => piece(3)) },
    { name: "8 characters", queries: times(() => piece(8)) },
    { name: "two words of a message", queries: times(twoOf) },
    { name: "two words of any", queries: times(() => `${word(3)} ${word(3)}`) },
    { name: "a misspelt word", queries: times(misspelt) },
    { name: "no hit", queries: times(nonsense) },
    { name: "no hit, a word and nonsense", queries: times(() => `${word(4)} ${nonsense()}`) },
  ];
}
