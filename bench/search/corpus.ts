import { readFileSync } from "node:fs";
import { seededRandom } from "../../shared/testing/seeded-random.ts";

/** Texts of messages, as many as are asked for. */
export interface Corpus {
  text(index: number): string;
}

/**
 * How many words of a repeated text are replaced by words of other texts, so that rare words stay rare
 * however large the corpus is.
 */
const REPLACED = 0.3;

/**
 * Turns of dialogues (JSON Lines of `{turns: [{text}]}`), and beyond their number the same with other words
 * in them.
 */
export function corpusOf(file: string | undefined): Corpus {
  const texts = file === undefined ? generated() : readTurns(file);
  const words = texts.flatMap((text) => text.split(" "));
  return {
    text(index) {
      const original = texts[index % texts.length] ?? "";
      if (index < texts.length) return original;
      const random = seededRandom(index);
      return original
        .split(" ")
        .map((word) => (random() < REPLACED ? (words[Math.floor(random() * words.length)] ?? word) : word))
        .join(" ");
    },
  };
}

const readTurns = (file: string): string[] =>
  readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .flatMap((line) => (JSON.parse(line) as { turns: { text: string }[] }).turns.map(({ text }) => text));

const SYLLABLES = [
  "an",
  "be",
  "cor",
  "den",
  "el",
  "fi",
  "gra",
  "ho",
  "in",
  "ju",
  "ka",
  "lo",
  "men",
  "or",
  "pre",
  "ti",
];
const WORDS = 6_000;
const TEXTS = 20_000;

/** Words of syllables, the n-th about 1/n as often as the first, as in languages. */
function generated(): string[] {
  const random = seededRandom(5);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const words = Array.from({ length: WORDS }, () =>
    Array.from({ length: 1 + Math.floor(random() * 4) }, () => pick(SYLLABLES)).join(""),
  );
  const word = (): string => words[Math.floor(WORDS ** random()) - 1] ?? "";
  return Array.from({ length: TEXTS }, () =>
    Array.from({ length: 2 + Math.floor(random() * 16) }, word).join(" "),
  );
}
