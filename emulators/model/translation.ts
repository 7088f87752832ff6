import type { Language } from "./language.ts";

/** A word in each of the languages, in their order. */
const WORDS: readonly Readonly<Record<Language, string>>[] = [
  { en: "hello", de: "hallo", fr: "bonjour", es: "hola", ja: "こんにちは", zh: "你好" },
  { en: "thank you", de: "danke", fr: "merci", es: "gracias", ja: "ありがとう", zh: "谢谢" },
  { en: "good morning", de: "guten Morgen", fr: "bonjour", es: "buenos días", ja: "おはよう", zh: "早上好" },
  { en: "goodbye", de: "auf Wiedersehen", fr: "au revoir", es: "adiós", ja: "さようなら", zh: "再见" },
  { en: "yes", de: "ja", fr: "oui", es: "sí", ja: "はい", zh: "是" },
  { en: "no", de: "nein", fr: "non", es: "no", ja: "いいえ", zh: "不" },
  { en: "water", de: "Wasser", fr: "eau", es: "agua", ja: "水", zh: "水" },
  { en: "bread", de: "Brot", fr: "pain", es: "pan", ja: "パン", zh: "面包" },
  { en: "cat", de: "Katze", fr: "chat", es: "gato", ja: "猫", zh: "猫" },
  { en: "dog", de: "Hund", fr: "chien", es: "perro", ja: "犬", zh: "狗" },
  { en: "house", de: "Haus", fr: "maison", es: "casa", ja: "家", zh: "房子" },
  { en: "friend", de: "Freund", fr: "ami", es: "amigo", ja: "友達", zh: "朋友" },
];

/** What people call the languages. */
const NAMES: Readonly<Record<Language, RegExp>> = {
  en: /^(?:english|englisch(?:e)?|anglais|inglés|英語|英语)$/iu,
  de: /^(?:german|deutsch(?:e)?|allemand|alemán|ドイツ語|德语)$/iu,
  fr: /^(?:french|französisch(?:e)?|français|francés|フランス語|法语)$/iu,
  es: /^(?:spanish|spanisch(?:e)?|espagnol|español|スペイン語|西班牙语)$/iu,
  ja: /^(?:japanese|japanisch(?:e)?|japonais|japonés|日本語|日语)$/iu,
  zh: /^(?:chinese|chinesisch(?:e)?|chinois|chino|中国語|中文|汉语)$/iu,
};

const QUOTED = `["“”„«»'‘’「『]?(?<text>[^"“”„«»「」『』\\n]{1,200}?)["“”„«»'‘’」』]?`;
const ASKED: readonly RegExp[] = [
  new RegExp(`\\btranslate:?\\s+${QUOTED}\\s+(?:in)?to\\s+(?<language>\\p{L}+)`, "iu"),
  new RegExp(`\\bhow (?:do|would|can) (?:you|i|one|we) say\\s+${QUOTED}\\s+in\\s+(?<language>\\p{L}+)`, "iu"),
  new RegExp(`\\bübersetze:?\\s+${QUOTED}\\s+(?:ins|auf)\\s+(?<language>\\p{L}+)`, "iu"),
  new RegExp(`\\b(?:traduis|traduire|traduisez):?\\s+${QUOTED}\\s+en\\s+(?<language>\\p{L}+)`, "iu"),
  new RegExp(`\\b(?:traduce|traducir|traduzca):?\\s+${QUOTED}\\s+al\\s+(?<language>\\p{L}+)`, "iu"),
  new RegExp(`${QUOTED}を(?<language>日本語|英語|ドイツ語|フランス語|スペイン語|中国語)に`, "u"),
  new RegExp(`把${QUOTED}翻译成(?<language>英语|德语|法语|西班牙语|日语|中文)`, "u"),
];
const CHARS_READ_MAX = 1000;

export interface Translation {
  readonly text: string;
  readonly language: string;
  /** Undefined for a word or a language that the model does not know. */
  readonly translated: string | undefined;
}

/** What the text asks to be translated, with the translation where the model knows one. */
export function translate(question: string): Translation | undefined {
  const read = question.slice(0, CHARS_READ_MAX);
  for (const pattern of ASKED) {
    const { text = "", language = "" } = pattern.exec(read)?.groups ?? {};
    if (text === "") continue;
    const wanted = text.trim().toLowerCase();
    const to = (Object.keys(NAMES) as Language[]).find((name) => NAMES[name].test(language));
    const word = WORDS.find((entry) => Object.values(entry).some((form) => form.toLowerCase() === wanted));
    return { text: text.trim(), language, translated: to && word?.[to] };
  }
  return undefined;
}
