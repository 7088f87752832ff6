import { type Cue, cuesOf } from "./cues.ts";

/** As much of a question as is looked at; what comes after it is only counted. */
const CHARS_READ_MAX = 1500;
const WORDS_READ_MAX = 200;

/** Lexical features fall into so many buckets, each a byte of the weights. */
export const BUCKET_BITS = 17;

export interface Features {
  /** What does not depend on the language: cues, length, punctuation. Names of their own. */
  readonly structure: readonly string[];
  /** Buckets of words, pairs of words and pieces of words. Each at most once. */
  lexicon(): Uint32Array;
}

export interface Reading {
  readonly text: string;
  readonly words: readonly string[];
  readonly cues: ReadonlyMap<Cue, number>;
  /** How much the text says, in letters: a character of Chinese counts as three. */
  readonly size: number;
  readonly sentences: number;
  readonly hasCode: boolean;
}

const WORD = /[\p{L}\p{M}][\p{L}\p{M}\p{N}'’-]*|\p{N}+/gu;
const DENSE = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/gu;
const DENSE_LETTERS = 3;
const SENTENCE_END = /[.!?。!?]+(?=\s|$|\p{Lo})/gu;
const CODE = /```|[{};]\s*\n|=>|\)\s*\{|<\/?\w+>|\bdef \w+\(|\bselect\b.+\bfrom\b/iu;

/** Everything that either version looks at, read once. */
export function readQuestion(whole: string): Reading {
  const text = whole.slice(0, CHARS_READ_MAX).toWellFormed().normalize("NFC").trim();
  const lower = text.toLowerCase().replaceAll("’", "'");
  const words = (lower.match(WORD) ?? []).slice(0, WORDS_READ_MAX);
  const dense = (text.match(DENSE)?.length ?? 0) * (DENSE_LETTERS - 1);
  return {
    text,
    words,
    cues: cuesOf(lower, words),
    size: Math.max(whole.length, text.length) + dense,
    sentences: Math.max(text.match(SENTENCE_END)?.length ?? 0, text === "" ? 0 : 1),
    hasCode: CODE.test(text),
  };
}

const SIZES = [8, 16, 25, 35, 45, 55, 70, 90, 120, 200, 400, 1000];

export function featuresOf(reading: Reading): Features {
  return { structure: structureOf(reading), lexicon: () => lexiconOf(reading.words) };
}

function structureOf({ text, cues, size, sentences, hasCode }: Reading): string[] {
  const names = ["always"];
  const add = (name: string, applies: boolean): void => {
    if (applies) names.push(name);
  };
  // One for each size that is reached, so that longer is learned as more of the same.
  for (const letters of SIZES) add(`size>${letters}`, size > letters);
  for (const [cue, at] of cues) {
    names.push(`cue:${cue}`);
    add(`first:${cue}`, at === 0);
  }
  add("cues:none", cues.size === 0);
  add("cues:several", cues.size > 2);
  add("sentences>1", sentences > 1);
  add("sentences>2", sentences > 2);
  add("question", /[?？؟]/u.test(text));
  add("digits", /\p{N}/u.test(text));
  add("calculation", /\d\s*[-+*/×÷^]\s*\d/u.test(text));
  add("lines", text.includes("\n"));
  add("code", hasCode);
  add("commas", (text.match(/[,，、;]/gu)?.length ?? 0) > 1);
  add("quotes", /["“”„«»「」]/u.test(text));
  add("empty", !/[\p{L}\p{N}]/u.test(text));
  return names;
}

/** Pieces of words of these lengths, the ends of the word included. */
const PIECE_LENGTHS = [4, 5];

function lexiconOf(words: readonly string[]): Uint32Array {
  const buckets = new Set<number>();
  const put = (kind: number, text: string): void => void buckets.add(bucketOf(kind, text));
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? "";
    const next = words[at + 1];
    put(1, word);
    if (next !== undefined) put(2, `${word} ${next}`);
    const third = words[at + 2];
    if (next !== undefined && third !== undefined) put(3, `${word} ${next} ${third}`);
    if (third !== undefined) put(4, `${word} ${third}`);
    const bounded = `_${word}_`;
    for (const length of PIECE_LENGTHS) {
      for (let from = 0; from + length <= bounded.length; from += 1)
        put(5, bounded.slice(from, from + length));
    }
  }
  if (words.length > 0) {
    put(6, words[0] ?? "");
    put(7, words.slice(0, 2).join(" "));
    put(8, words.at(-1) ?? "");
  }
  return Uint32Array.from(buckets);
}

/** FNV-1a over the UTF-16 units, folded; `kind` keeps a word and a piece of the same letters apart. */
function bucketOf(kind: number, text: string): number {
  let hash = (0x811c9dc5 ^ kind) >>> 0;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x2c1b3c6d);
  return (hash ^ (hash >>> 13)) & (2 ** BUCKET_BITS - 1);
}
