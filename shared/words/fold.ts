/**
 * Folding: what people take for the same letter when they search becomes the same character. It works on
 * clusters, a character with the marks behind it, so that each folded character can be traced back to where
 * it came from.
 */

/**
 * A base with its marks; conjoining jamo and half-width kana with sound marks are composed across characters
 * too.
 */
const CLUSTER =
  /[\u1100-\u115f\ua960-\ua97c]+[\u1160-\u11a7\ud7b0-\ud7c6]*[\u11a8-\u11ff\ud7cb-\ud7fb]*\p{M}*|\P{M}[\p{M}\uff9e\uff9f]*|\p{M}+/gsu;

/**
 * Marks that tell vowels or syllables apart are part of the word, as in Indic scripts, Thai and kana; these
 * are not.
 */
const OPTIONAL_MARKS =
  /[\u0300-\u036f\u0483-\u0487\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed]/g;
/** Indic consonants with a dot below are written without it by many: combining class 7 of those scripts. */
const NUKTAS =
  /[\u093c\u09bc\u0a3c\u0abc\u0b3c\u0c3c\u0cbc\u{110ba}\u{11173}\u{111ca}\u{11236}\u{112e9}\u{1133b}\u{1133c}\u{11446}\u{114c3}\u{115c0}\u{116b7}]/gu;
/** In Cyrillic й is a letter and not an и with an accent; ё is written е by most. */
const CYRILLIC_SHORT_I = /\u0438\u0306/g;

/**
 * Nothing that a reader sees, though emoji are joined by it: soft hyphens, joiners, direction and variation
 * marks.
 */
const INVISIBLE = /\p{Default_Ignorable_Code_Point}/gu;
/** Control characters separate words as space does. */
const SPACE = /^[\s\p{Z}\p{Cc}]$/u;

/** Letters that stand for others and have no decomposition in Unicode. */
const ALIKE: ReadonlyMap<string, string> = new Map(
  Object.entries({
    ß: "ss",
    æ: "ae",
    œ: "oe",
    ø: "o",
    đ: "d",
    ð: "d",
    þ: "th",
    ħ: "h",
    ı: "i",
    ł: "l",
    ŧ: "t",
    ς: "σ",
    "\u0640": "",
    ى: "ي",
    ة: "ه",
    ک: "ك",
    ی: "ي",
    "’": "'",
    "‘": "'",
    ʼ: "'",
    "“": '"',
    "”": '"',
    "„": '"',
    "−": "-",
    "⁃": "-",
    "〜": "~",
    "〰": "~",
    "∼": "~",
    "∽": "~",
    "⁓": "~",
  }),
);

const KATAKANA_FIRST = 0x30a1;
const KATAKANA_LAST = 0x30f6;
/** Katakana stand so far behind the hiragana of the same sound. */
const KATAKANA_SHIFT = 0x60;

const DASH = /^\p{Pd}$/u;
const DIGIT = /^\p{Nd}$/u;
const isDigit = (code: number): boolean => DIGIT.test(String.fromCodePoint(code));

/** The digits of a script stand in a row, from 0 to 9. */
function digitOf(code: number): string {
  let zero = code;
  while (isDigit(zero - 1)) zero -= 1;
  return String((code - zero) % 10);
}

function foldCharacter(character: string): string {
  const alike = ALIKE.get(character);
  if (alike !== undefined) return alike;
  if (DASH.test(character)) return "-";
  const code = character.codePointAt(0) ?? 0;
  if (DIGIT.test(character)) return digitOf(code);
  return code >= KATAKANA_FIRST && code <= KATAKANA_LAST
    ? String.fromCodePoint(code - KATAKANA_SHIFT)
    : character;
}

function foldCluster(cluster: string): string {
  // Upper case first: it turns ſ, ς and the like into letters that lower case knows.
  const lower = cluster.normalize("NFKC").toUpperCase().toLowerCase().normalize("NFKD");
  const bare = lower
    .replace(CYRILLIC_SHORT_I, "\u0439")
    .replace(OPTIONAL_MARKS, "")
    .replace(NUKTAS, "")
    .replace(INVISIBLE, "");
  return Array.from(bare.normalize("NFKC"), foldCharacter).join("");
}

/** Folded clusters by what they were; beyond this many it starts over. */
const CACHED_MAX = 20_000;
const cache = new Map<string, string>();

function folded(cluster: string): string {
  let found = cache.get(cluster);
  if (found === undefined) {
    found = SPACE.test(cluster) ? " " : foldCluster(cluster);
    // Compatibility forms may contain space, as "¨" does, which would split a word in two.
    if (found !== " ") found = found.replaceAll(/[\s\p{Z}\p{Cc}]/gu, "");
    if (cache.size >= CACHED_MAX) cache.clear();
    cache.set(cluster, found);
  }
  return found;
}

/** A text as it is searched: folded, and with one space for any run of white space. */
export interface Folded {
  readonly text: string;
  /** For each UTF-16 unit of the text, where its cluster begins and ends in the original. */
  readonly starts: Int32Array;
  readonly ends: Int32Array;
}

// oxlint-disable-next-line no-control-regex -- plain ASCII is meant, without control characters
const PLAIN = /^[\x20-\x7e]*$/;

/** The folded text alone; several times faster for plain text than `fold`. */
export function foldText(text: string): string {
  if (PLAIN.test(text)) return text.toLowerCase().replace(/ {2,}/g, " ").trim();
  let out = "";
  for (const [cluster] of text.matchAll(CLUSTER)) {
    const next = folded(cluster);
    if (next !== " " || !out.endsWith(" ")) out += next;
  }
  return out.trim();
}

/** The folded text with the way back to the original. */
export function fold(text: string): Folded {
  const starts: number[] = [];
  const ends: number[] = [];
  let out = "";
  const take = (piece: string, start: number, end: number): void => {
    if (piece === " " && (out === "" || out.endsWith(" "))) return;
    out += piece;
    for (let unit = 0; unit < piece.length; unit += 1) {
      starts.push(start);
      ends.push(end);
    }
  };
  for (const { 0: cluster, index } of text.matchAll(CLUSTER)) {
    take(folded(cluster), index, index + cluster.length);
  }
  const length = out.trimEnd().length;
  return {
    text: out.slice(0, length),
    starts: Int32Array.from(starts.slice(0, length)),
    ends: Int32Array.from(ends.slice(0, length)),
  };
}
