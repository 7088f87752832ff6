import type { Language } from "./language.ts";

/** What the model says in a language. `{…}` is filled in. */
export interface Phrases {
  readonly greeting: string;
  readonly thanks: string;
  readonly goodbye: string;
  /** {name} */
  readonly iAm: string;
  /** {text} */
  readonly youSaid: string;
  readonly nothingSaid: string;
  /** {text} {language} {translated} */
  readonly translated: string;
  /** {text} {language} */
  readonly unknownWord: string;
  /** {topic} */
  readonly list: string;
  /** {topic}, and {number}, counted from 1 */
  readonly item: string;
  /** {topic} */
  readonly code: string;
  /** {count} */
  readonly summary: string;
  /** {question} */
  readonly restated: string;
  /** Sentences of a longer answer: {topic}. */
  readonly sentences: readonly string[];
  readonly betweenSentences: string;
}

const en: Phrases = {
  greeting: "Hello! What can I do for you?",
  thanks: "You are welcome.",
  goodbye: "Goodbye, until next time.",
  iAm: "I am {name}.",
  youSaid: 'Before that you said: "{text}"',
  nothingSaid: "You have said nothing before this.",
  translated: '"{text}" in {language} is "{translated}".',
  unknownWord: 'I do not know "{text}" in {language}.',
  list: "Here is a list about {topic}:",
  item: "Point {number} about {topic}",
  code: "Here is some code for {topic}:",
  summary: "Summary of {count} messages:",
  restated: 'You asked: "{question}"',
  sentences: [
    "The short answer is that it depends on what you mean by {topic}.",
    "Most people begin with {topic} and look at the details afterwards.",
    "There are two sides to {topic}, and both deserve a moment.",
    "First see what is known about {topic}, then what is only assumed.",
    "An example makes {topic} easier to understand than any definition.",
    "If time is short, keep only the part of {topic} that you need today.",
    "What is often forgotten about {topic} is how much the beginning matters.",
    "In the end {topic} comes down to a few choices that you can make one by one.",
  ],
  betweenSentences: " ",
};

const de: Phrases = {
  greeting: "Hallo! Was kann ich für dich tun?",
  thanks: "Gern geschehen.",
  goodbye: "Auf Wiedersehen, bis zum nächsten Mal.",
  iAm: "Ich bin {name}.",
  youSaid: "Davor hast du gesagt: „{text}“",
  nothingSaid: "Davor hast du noch nichts gesagt.",
  translated: "„{text}“ heißt auf {language} „{translated}“.",
  unknownWord: "Ich weiß nicht, was „{text}“ auf {language} heißt.",
  list: "Hier ist eine Liste zu {topic}:",
  item: "Punkt {number} zu {topic}",
  code: "Hier ist etwas Code zu {topic}:",
  summary: "Zusammenfassung von {count} Nachrichten:",
  restated: "Du hast gefragt: „{question}“",
  sentences: [
    "Die kurze Antwort: Es kommt darauf an, was du mit {topic} meinst.",
    "Die meisten fangen mit {topic} an und sehen sich die Einzelheiten später an.",
    "Bei {topic} gibt es zwei Seiten, und beide verdienen einen Blick.",
    "Sieh zuerst, was über {topic} bekannt ist, und dann, was nur vermutet wird.",
    "Ein Beispiel erklärt {topic} besser als jede Definition.",
    "Am Ende sind es bei {topic} ein paar Entscheidungen, eine nach der anderen.",
  ],
  betweenSentences: " ",
};

const fr: Phrases = {
  greeting: "Bonjour ! Que puis-je faire pour vous ?",
  thanks: "Je vous en prie.",
  goodbye: "Au revoir, à la prochaine.",
  iAm: "Je suis {name}.",
  youSaid: "Avant cela, vous avez dit : « {text} »",
  nothingSaid: "Vous n'avez encore rien dit avant cela.",
  translated: "« {text} » en {language} se dit « {translated} ».",
  unknownWord: "Je ne sais pas dire « {text} » en {language}.",
  list: "Voici une liste sur {topic} :",
  item: "Point {number} sur {topic}",
  code: "Voici un peu de code pour {topic} :",
  summary: "Résumé de {count} messages :",
  restated: "Vous avez demandé : « {question} »",
  sentences: [
    "En bref, tout dépend de ce que l'on entend par {topic}.",
    "La plupart des gens commencent par {topic} et regardent les détails ensuite.",
    "Il y a deux aspects à {topic}, et chacun mérite un instant.",
    "Voyez d'abord ce que l'on sait de {topic}, puis ce que l'on suppose.",
    "Un exemple explique {topic} mieux qu'une définition.",
    "Au bout du compte, {topic} tient à quelques choix faits l'un après l'autre.",
  ],
  betweenSentences: " ",
};

const es: Phrases = {
  greeting: "¡Hola! ¿Qué puedo hacer por ti?",
  thanks: "De nada.",
  goodbye: "Adiós, hasta la próxima.",
  iAm: "Soy {name}.",
  youSaid: "Antes dijiste: «{text}»",
  nothingSaid: "Antes de esto no has dicho nada.",
  translated: "«{text}» en {language} es «{translated}».",
  unknownWord: "No sé cómo se dice «{text}» en {language}.",
  list: "Aquí tienes una lista sobre {topic}:",
  item: "Punto {number} sobre {topic}",
  code: "Aquí tienes algo de código para {topic}:",
  summary: "Resumen de {count} mensajes:",
  restated: "Has preguntado: «{question}»",
  sentences: [
    "En pocas palabras, depende de lo que entiendas por {topic}.",
    "Casi todos empiezan por {topic} y miran los detalles después.",
    "Hay dos lados en {topic}, y los dos merecen un momento.",
    "Mira primero lo que se sabe de {topic} y luego lo que solo se supone.",
    "Un ejemplo explica {topic} mejor que una definición.",
    "Al final, {topic} se reduce a unas pocas decisiones, una tras otra.",
  ],
  betweenSentences: " ",
};

const ja: Phrases = {
  greeting: "こんにちは!何をお手伝いしましょうか。",
  thanks: "どういたしまして。",
  goodbye: "さようなら、またお会いしましょう。",
  iAm: "私は{name}です。",
  youSaid: "その前にあなたは「{text}」と言いました。",
  nothingSaid: "その前にはまだ何もお話しになっていません。",
  translated: "「{text}」は{language}で「{translated}」です。",
  unknownWord: "「{text}」を{language}で何と言うか分かりません。",
  list: "{topic}についてのリストです:",
  item: "{topic}の要点{number}",
  code: "{topic}のコードです:",
  summary: "{count}件のメッセージの要約:",
  restated: "ご質問は「{question}」ですね。",
  sentences: [
    "短く言えば、{topic}の意味しだいです。",
    "多くの人は{topic}から始めて、細かい点は後で見ます。",
    "{topic}には二つの面があり、どちらも大切です。",
    "まず{topic}について分かっていることを確かめましょう。",
    "例を一つ見ると、{topic}がよく分かります。",
  ],
  betweenSentences: "",
};

const zh: Phrases = {
  greeting: "你好!我能帮你做什么?",
  thanks: "不客气。",
  goodbye: "再见,下次见。",
  iAm: "我是{name}。",
  youSaid: "在这之前你说过:“{text}”",
  nothingSaid: "在这之前你还没有说过什么。",
  translated: "“{text}”用{language}说是“{translated}”。",
  unknownWord: "我不知道“{text}”用{language}怎么说。",
  list: "这是关于{topic}的列表:",
  item: "{topic}的第{number}点",
  code: "这是关于{topic}的代码:",
  summary: "{count}条消息的摘要:",
  restated: "你问的是:“{question}”",
  sentences: [
    "简单地说,这取决于你怎么理解{topic}。",
    "多数人先看{topic},然后再看细节。",
    "{topic}有两个方面,都值得想一想。",
    "先弄清楚关于{topic}已经知道的事情。",
    "举一个例子,{topic}就更容易明白。",
  ],
  betweenSentences: "",
};

export const PHRASES: Readonly<Record<Language, Phrases>> = { en, de, fr, es, ja, zh };

export const fill = (phrase: string, values: Readonly<Record<string, string | number>>): string =>
  phrase.replaceAll(/\{(\w+)\}/gu, (whole, name: string) => String(values[name] ?? whole));
