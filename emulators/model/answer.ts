import { calculate } from "./arithmetic.ts";
import { type Language, languageOf } from "./language.ts";
import { OUTPUT_TOKENS_MAX } from "./limits.ts";
import { fill, PHRASES, type Phrases } from "./phrases.ts";
import type { Turn } from "./request.ts";
import { tokensOf } from "./tokens.ts";
import { translate } from "./translation.ts";

interface Conversation {
  readonly model: string;
  readonly turns: readonly Turn[];
  readonly question: string;
  /** How much of the question the patterns are matched against, so that long texts cost little time. */
  readonly opening: string;
  readonly language: Language;
  readonly phrases: Phrases;
}

const OPENING_CHARS = 2000;

/** A rule returns the answer, or undefined to pass to the next rule. */
type Rule = (conversation: Conversation) => string | undefined;

/**
 * The whole answer to a conversation, by the first rule that applies. The same conversation always gets the
 * same answer.
 */
export function answerTo(model: string, turns: readonly Turn[]): string {
  const question = turns.findLast(({ role }) => role === "user")?.content ?? turns.at(-1)?.content ?? "";
  const language = languageOf(question);
  const conversation = {
    model,
    turns,
    question,
    opening: question.slice(0, OPENING_CHARS),
    language,
    phrases: PHRASES[language],
  };
  for (const rule of RULES) {
    const answer = rule(conversation);
    if (answer !== undefined) return answer;
  }
  return restatement(conversation);
}

const summary: Rule = ({ opening, turns, phrases }) => {
  const system = turns.find(({ role }) => role === "system")?.content ?? "";
  if (![system, opening].some((text) => /^\s*(?:please\s+)?summari[sz]e/iu.test(text))) return undefined;
  const turnsOfPeople = turns.filter(({ role }) => role !== "system");
  const lines = turnsOfPeople.map(({ role, content }) => `- ${role}: ${beginning(content, 12)}`);
  return [fill(phrases.summary, { count: turnsOfPeople.length }), ...lines].join("\n");
};

/** Applications ask for a title in this way; it says what the first question is about. */
const title: Rule = ({ turns }) => {
  const system = turns.find(({ role }) => role === "system")?.content ?? "";
  if (!/^\s*(?:please\s+)?title\s/iu.test(system)) return undefined;
  const first = turns.find(({ role }) => role === "user")?.content ?? "";
  return beginning(first, 6).replace(/[.?!…\s]+$/u, "");
};

const BEFORE =
  /\bwhat (?:did|have) i (?:just )?(?:say|said|ask|asked|write|written|tell)|\bwas habe ich .*(?:gesagt|gefragt|geschrieben)|\bqu(?:'|’)ai-je dit|\bqu(?:'|’)est-ce que j(?:'|’)ai dit|\bqué (?:dije|he dicho)|さっき.*言|前に.*言|我(?:之前|刚才|以前)说/iu;
const saidBefore: Rule = ({ opening, turns, phrases }) => {
  if (!BEFORE.test(opening)) return undefined;
  const earlier = turns.filter(({ role }) => role === "user").at(-2);
  return earlier === undefined ? phrases.nothingSaid : fill(phrases.youSaid, { text: earlier.content });
};

const WHO =
  /\bwho are you\b|\bwhat(?: is|'s|’s) your name\b|\bwer bist du\b|\bwie heißt du\b|\bqui (?:es-tu|êtes-vous)\b|\bcomment (?:tu t|vous vous )['’]?appel|\bquién eres\b|\bcómo te llamas\b|あなたは(?:誰|だれ)|你是谁|你叫什么/iu;
const YOU_ARE = /\b(?:you are|du bist|(?:tu es|vous êtes)|(?:tú )?eres)\s+(?<name>[^.!?\n]{1,200})/iu;
const whoIAm: Rule = ({ opening, turns, phrases, model }) => {
  if (!WHO.test(opening)) return undefined;
  const system = turns.filter(({ role }) => role === "system").map(({ content }) => content);
  const name = YOU_ARE.exec(system.join("\n"))?.groups?.["name"] ?? model;
  return fill(phrases.iAm, { name });
};

const repetition: Rule = ({ question }) =>
  /^\s*(?:please\s+)?(?:repeat after me|say exactly|sprich mir nach|répète après moi|repite después de mí)\s*[:,]?\s*(?<text>[\s\S]+)$/iu.exec(
    question,
  )?.groups?.["text"];

const MEASURED =
  /\b(?:write|schreibe?|écris|écrivez|escribe)\b.{0,40}?\b(?<count>\d{1,5})[ -](?<unit>words?|tokens?|wörter|mots|palabras)(?:\s+(?:about|on|über|sur|sobre)\s+(?<topic>.{1,100}))?/isu;
const measured: Rule = ({ question, opening, phrases }) => {
  const { count, unit = "", topic = topicOf(question) } = MEASURED.exec(opening)?.groups ?? {};
  if (count === undefined) return undefined;
  const wanted = Math.min(Number(count), OUTPUT_TOKENS_MAX);
  const about = topic.replace(/[.?!]+$/u, "");
  if (/^token/iu.test(unit)) {
    return tokensOf(prose(about, phrases, tokensAtLeast(wanted), question))
      .slice(0, wanted)
      .join("");
  }
  const split = phrases.betweenSentences === "" ? "" : " ";
  const wordsAtLeast = { count: wanted, of: (sentence: string) => sentence.split(split).length };
  return prose(about, phrases, wordsAtLeast, question).split(split).slice(0, wanted).join(split);
};

const arithmetic: Rule = ({ question }) => {
  const found = calculate(question);
  return found && `${found.expression} = ${found.result}`;
};

const translation: Rule = ({ question, phrases }) => {
  const found = translate(question);
  if (found === undefined) return undefined;
  const { text, language, translated } = found;
  return translated === undefined
    ? fill(phrases.unknownWord, { text, language })
    : fill(phrases.translated, { text, language, translated });
};

/** Comment and function of some languages, where a program is asked for in one of them. */
const PROGRAMS: readonly (readonly [RegExp, string, (name: string) => string])[] = [
  [/\bpython\b/iu, "python", (name) => `def ${name}(values):\n    return sorted(values)`],
  [/\bsql\b/iu, "sql", (name) => `SELECT * FROM ${name} ORDER BY id;`],
  [/\brust\b/iu, "rust", (name) => `fn ${name}(values: &mut Vec<i64>) {\n    values.sort();\n}`],
  [
    /./su,
    "typescript",
    (name) => `function ${name}(values: number[]): number[] {\n  return values.toSorted((a, b) => a - b);\n}`,
  ],
];
const code: Rule = ({ question, opening, phrases }) => {
  if (!/\bcode\b|\bcódigo\b|\bfunction\b|コード|代码/iu.test(opening)) return undefined;
  const topic = topicOf(question);
  const name =
    topic
      .normalize("NFD")
      .replaceAll(/[^A-Za-z0-9]+/gu, "")
      .toLowerCase() || "answer";
  const [, label = "", program] = PROGRAMS.find(([pattern]) => pattern.test(opening)) ?? [];
  return `${fill(phrases.code, { topic })}\n\n\`\`\`${label}\n${program?.(/^\d/u.test(name) ? `_${name}` : name) ?? ""}\n\`\`\``;
};

const ITEMS_DEFAULT = 5;
const ITEMS_MAX = 50;
const list: Rule = ({ question, opening, phrases }) => {
  if (!/\blist(?:e|a)?\b|リスト|列表|清单/iu.test(opening)) return undefined;
  const topic = topicOf(question);
  const count = Math.min(Number(/\b\d{1,3}\b/u.exec(opening)?.[0] ?? ITEMS_DEFAULT), ITEMS_MAX);
  const items = Array.from(
    { length: count },
    (_, index) => `- ${fill(phrases.item, { topic, number: index + 1 })}`,
  );
  return [fill(phrases.list, { topic }), "", ...items].join("\n");
};

const COURTESIES: readonly (readonly ["greeting" | "thanks" | "goodbye", RegExp])[] = [
  [
    "greeting",
    /^\s*(?:hello|hi|hey|good (?:morning|evening|day)|hallo|guten (?:tag|morgen|abend)|bonjour|salut|hola|buen[oa]s (?:días|tardes|noches)|こんにちは|おはよう|你好|您好)(?![\p{L}\p{N}])/iu,
  ],
  ["thanks", /^\s*(?:thanks|thank you|danke|vielen dank|merci|(?:muchas )?gracias|ありがとう|谢谢)/iu],
  ["goodbye", /^\s*(?:bye|goodbye|auf wiedersehen|tschüss|au revoir|adiós|さようなら|再见)/iu],
];
/** Longer than this, a greeting is the beginning of a question. */
const COURTESY_CHARS_MAX = 40;
const courtesy: Rule = ({ question, phrases }) => {
  if (question.trim().length > COURTESY_CHARS_MAX || question.includes("?")) return undefined;
  const found = COURTESIES.find(([, pattern]) => pattern.test(question))?.[0];
  return found && phrases[found];
};

const RULES: readonly Rule[] = [
  summary,
  title,
  saidBefore,
  whoIAm,
  repetition,
  measured,
  translation,
  arithmetic,
  code,
  list,
  courtesy,
];

const SHORTEST_TOKENS = 40;
const LONGEST_TOKENS = 600;
const TOKENS_PER_ASKED = 4;
const RESTATED_CHARS_MAX = 300;

/** Restates the question, and answers the longer, the longer the question was. */
function restatement({ question, phrases }: Conversation): string {
  const restated = question.trim().slice(0, RESTATED_CHARS_MAX).toWellFormed();
  const length = Math.min(
    Math.max(tokensOf(question).length * TOKENS_PER_ASKED, SHORTEST_TOKENS),
    LONGEST_TOKENS,
  );
  return `${fill(phrases.restated, { question: restated })}\n\n${prose(topicOf(question), phrases, tokensAtLeast(length), question)}`;
}

interface Length {
  readonly count: number;
  /** How much of it a sentence is. */
  of(sentence: string): number;
}

/** Two sentences may share a token where they meet, so each counts as one less. */
const tokensAtLeast = (count: number): Length => ({
  count,
  of: (sentence) => tokensOf(sentence).length - 1,
});

const SEEDS = 1_000_003;

/** Sentences about a topic, of at least a length; which comes first depends on the question. */
function prose(
  topic: string,
  { sentences, betweenSentences }: Phrases,
  length: Length,
  question: string,
): string {
  let index = 0;
  for (let at = 0; at < question.length; at += 1) index = (index * 31 + question.charCodeAt(at)) % SEEDS;
  const written: string[] = [];
  for (let count = 0; count < length.count; index += 1) {
    const sentence = fill(sentences[index % sentences.length] ?? "", { topic });
    written.push(sentence);
    count += length.of(sentence);
  }
  return written.join(betweenSentences);
}

const TOPIC_CHARS_MAX = 40;

/** What a question is about: its longest word, or its beginning where words are not told apart. */
function topicOf(question: string): string {
  const words = question.slice(0, OPENING_CHARS).match(/[\p{L}\p{N}]+/gu) ?? [];
  const longest = words.reduce((best, word) => (word.length > best.length ? word : best), "");
  return longest === "" ? "…" : longest.slice(0, TOPIC_CHARS_MAX).toWellFormed();
}

const beginning = (text: string, words: number): string =>
  text.trim().split(/\s+/u).slice(0, words).join(" ");
