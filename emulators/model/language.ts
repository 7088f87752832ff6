/** The languages in which the model answers. */
export const LANGUAGES = ["en", "de", "fr", "es", "ja", "zh"] as const;
export type Language = (typeof LANGUAGES)[number];

/** Words that are frequent in one of the languages and rare in the others. */
const TELLING: Readonly<Record<"en" | "de" | "fr" | "es", ReadonlySet<string>>> = {
  en: new Set(
    "the is are what who how why when where do does did you i my of to and in it about please write hello hi thanks can tell me before said".split(
      " ",
    ),
  ),
  de: new Set(
    "der die das ist sind was wer wie warum wann wo ich du mein von und ein eine nicht mir über bitte schreibe hallo danke kannst gesagt habe vorhin für wörter mit zu guten bist".split(
      " ",
    ),
  ),
  fr: new Set(
    "le la les est sont que qui comment pourquoi quand où je tu mon de et un une pas moi sur écris écrivez bonjour salut merci peux quoi quel quelle dit avant mots avec vous es ai des du".split(
      " ",
    ),
  ),
  es: new Set(
    "el la los las es son qué quién cómo por cuándo dónde yo tú mi de y un una no me sobre escribe hola gracias puedes cuál dije antes palabras con para eres del en".split(
      " ",
    ),
  ),
};

const KANA = /[\p{Script=Hiragana}\p{Script=Katakana}]/gu;
const HAN = /\p{Script=Han}/gu;
const LETTER = /\p{L}/gu;
/** A name in another script does not make the question one of that language. */
const SHARE_MIN = 0.3;
/** More than this changes nothing. */
const CHARS_READ_MAX = 2000;

/** The language of a question; English where none is told. */
export function languageOf(text: string): Language {
  const read = text.slice(0, CHARS_READ_MAX);
  const count = (characters: RegExp): number => read.match(characters)?.length ?? 0;
  const kana = count(KANA);
  if (kana + count(HAN) > count(LETTER) * SHARE_MIN) return kana > 0 ? "ja" : "zh";
  const words = read.toLowerCase().match(/\p{L}+/gu) ?? [];
  let best: Language = "en";
  let most = 0;
  for (const language of ["en", "de", "fr", "es"] as const) {
    const hits = words.filter((word) => TELLING[language].has(word)).length;
    if (hits > most) {
      most = hits;
      best = language;
    }
  }
  return best;
}
