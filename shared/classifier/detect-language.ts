import { CYRILLIC, LATIN } from "./language-samples.ts";

type Latin = keyof typeof LATIN;
type Cyrillic = keyof typeof CYRILLIC;
/** ISO 639-1; "und" for what holds no words. */
export type Language = Latin | Cyrillic | "ar" | "he" | "hi" | "ja" | "zh" | "ko" | "th" | "und";

/** As much of a text as is looked at: more tells no more about its language. */
const CHARS_READ_MAX = 400;

const SCRIPTS = {
  latin: /\p{Script=Latin}/gu,
  cyrillic: /\p{Script=Cyrillic}/gu,
  ar: /\p{Script=Arabic}/gu,
  he: /\p{Script=Hebrew}/gu,
  hi: /\p{Script=Devanagari}/gu,
  kana: /[\p{Script=Hiragana}\p{Script=Katakana}]/gu,
  zh: /\p{Script=Han}/gu,
  ko: /\p{Script=Hangul}/gu,
  th: /\p{Script=Thai}/gu,
} as const;
type Script = keyof typeof SCRIPTS;

/** Letters of which as few say as much as three of an alphabet. */
const DENSE = new Set<Script>(["kana", "zh", "ko"]);
const DENSE_WEIGHT = 3;

export interface Detection {
  readonly language: Language;
  /** From 0 to 1: the share that the best guess has among the languages of its alphabet. */
  readonly confidence: number;
}

/** The language of a text: by its letters where they tell, else by frequent words and trigrams. */
export function detectLanguage(text: string): Detection {
  const read = text.slice(0, CHARS_READ_MAX).normalize("NFC").toLowerCase();
  // Most texts are plain; then there is only one script to look for.
  const script = isAscii(read) ? (/[a-z]/u.test(read) ? "latin" : undefined) : scriptOf(read);
  if (script === undefined) return { language: "und", confidence: 0 };
  if (script === "latin") return guess(latin(), read);
  if (script === "cyrillic") return guess(cyrillic(), read);
  if (script === "kana") return { language: "ja", confidence: 1 };
  return { language: script, confidence: 1 };
}

const isAscii = (text: string): boolean => !/[\u0080-\u{10ffff}]/u.test(text);

/** The script of most of the text; a name or a term in another one does not count. */
function scriptOf(text: string): Script | undefined {
  const counts = new Map<Script, number>();
  for (const [script, letters] of Object.entries(SCRIPTS) as [Script, RegExp][]) {
    const count = text.match(letters)?.length ?? 0;
    if (count > 0) counts.set(script, count * (DENSE.has(script) ? DENSE_WEIGHT : 1));
  }
  const kana = counts.get("kana") ?? 0;
  const han = counts.get("zh") ?? 0;
  // Japanese mixes both; a text of characters alone is taken for Chinese.
  if (kana > 0 && kana * 10 >= han) {
    counts.set("kana", kana + han);
    counts.delete("zh");
  }
  let best: Script | undefined;
  for (const [script, count] of counts) {
    if (best === undefined || count > (counts.get(best) ?? 0)) best = script;
  }
  return best;
}

interface Profiles<Name extends string> {
  readonly names: readonly Name[];
  /** Log-probabilities of a word or trigram, in the order of the names. */
  readonly words: ReadonlyMap<string, Float32Array>;
  readonly trigrams: ReadonlyMap<string, Float32Array>;
  readonly prior: Float32Array;
}

type Samples<Name extends string> = Readonly<Record<Name, { readonly words: string; readonly text: string }>>;

const once = <T>(make: () => T): (() => T) => {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
};
/** A head start, in units of log-probability: a word or two in doubt are most likely English. */
const ENGLISH_PRIOR = 2.5;
// Counted at the first text that needs them, in a few milliseconds.
const latin = once(() => profilesOf(LATIN, { en: ENGLISH_PRIOR }));
const cyrillic = once(() => profilesOf(CYRILLIC, {}));

const WORD = /[\p{L}\p{M}'’]+/gu;
const wordsOf = (text: string): string[] => text.toLowerCase().match(WORD) ?? [];

/** What an unseen word or trigram counts as, in parts of one that was seen once. */
const SMOOTHING = 0.25;
/** How much a known word outweighs its own trigrams. */
const WORD_WEIGHT = 1.5;

function profilesOf<Name extends string>(
  samples: Samples<Name>,
  prior: Readonly<Partial<Record<Name, number>>>,
): Profiles<Name> {
  const names = Object.keys(samples) as Name[];
  const words = new Map<string, Float32Array>();
  const trigrams = new Map<string, Float32Array>();
  const add = (into: Map<string, Float32Array>, key: string, language: number): void => {
    const counts = into.get(key) ?? new Float32Array(names.length);
    counts[language] = (counts[language] ?? 0) + 1;
    into.set(key, counts);
  };
  for (const [language, name] of names.entries()) {
    const sample = samples[name];
    for (const word of new Set([...wordsOf(sample.words), ...wordsOf(sample.text)]))
      add(words, word, language);
    for (const word of wordsOf(`${sample.words} ${sample.text}`)) {
      for (const trigram of trigramsOf(word)) add(trigrams, trigram, language);
    }
  }
  return {
    names,
    words: logarithms(words, names.length),
    trigrams: logarithms(trigrams, names.length),
    prior: Float32Array.from(names, (name) => prior[name] ?? 0),
  };
}

function logarithms(counts: Map<string, Float32Array>, languages: number): Map<string, Float32Array> {
  const totals = new Float32Array(languages);
  for (const each of counts.values()) {
    for (let language = 0; language < languages; language += 1) {
      totals[language] = (totals[language] ?? 0) + (each[language] ?? 0) + SMOOTHING;
    }
  }
  for (const each of counts.values()) {
    for (let language = 0; language < languages; language += 1) {
      each[language] = Math.log(((each[language] ?? 0) + SMOOTHING) / (totals[language] ?? 1));
    }
  }
  return counts;
}

function* trigramsOf(word: string): Generator<string> {
  const bounded = `_${word}_`;
  for (let at = 0; at + 3 <= bounded.length; at += 1) yield bounded.slice(at, at + 3);
}

function guess<Name extends Language>(profiles: Profiles<Name>, text: string): Detection {
  const { names, words, trigrams, prior } = profiles;
  const scores = Float64Array.from(prior);
  const count = (logs: Float32Array | undefined, weight: number): void => {
    if (logs === undefined) return;
    for (let language = 0; language < scores.length; language += 1) {
      scores[language] = (scores[language] ?? 0) + (logs[language] ?? 0) * weight;
    }
  };
  for (const word of text.match(WORD) ?? []) {
    count(words.get(word), WORD_WEIGHT);
    for (const trigram of trigramsOf(word)) count(trigrams.get(trigram), 1);
  }
  const best = scores.indexOf(Math.max(...scores));
  const top = scores[best] ?? 0;
  const total = scores.reduce((sum, score) => sum + Math.exp(score - top), 0);
  return { language: names[best] ?? "und", confidence: 1 / total };
}
