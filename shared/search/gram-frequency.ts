import table from "./gram-frequencies.json" with { type: "json" };
import { charactersOf, isDense } from "../words/words.ts";

/** The table holds grams that at least one message in 2^8 has; about a thousand of English. */
export const LEVELS_MAX = 8;

/** A gram outside the table is rarer than all in it, within its own script. */
const PLAIN = /^[\u0020-\u007e]+$/;
const PLAIN_BY_CHARS = [0.002, 0.001, 0.0003] as const;
/**
 * Alphabets and syllabaries that were not measured: as common as such letters are where the script is
 * written.
 */
const OTHER_BY_CHARS = [0.2, 0.03, 0.004] as const;
const DENSE_BY_CHARS = [0.01, 0.0005] as const;

let frequencies: Map<string, number> | undefined;

/** Decoded at the first search. */
function measured(): Map<string, number> {
  frequencies ??= new Map(
    table.levels.flatMap((grams, level) =>
      grams === "" ? [] : grams.split(" ").map((gram) => [gram, 2 ** -level] as const),
    ),
  );
  return frequencies;
}

/** About which part of messages has a gram: measured on English dialogues, and by kind of script beyond. */
export function frequencyOf(gram: string): number {
  const known = measured().get(gram);
  if (known !== undefined) return known;
  const last = charactersOf(gram).length - 1;
  const byChars = PLAIN.test(gram) ? PLAIN_BY_CHARS : isDense(gram) ? DENSE_BY_CHARS : OTHER_BY_CHARS;
  return byChars[last] ?? byChars[byChars.length - 1] ?? 1;
}
