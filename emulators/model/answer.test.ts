import { describe, expect, test } from "vitest";
import { answerTo } from "./answer.ts";
import { calculate } from "./arithmetic.ts";
import { languageOf } from "./language.ts";
import type { Turn } from "./request.ts";
import { tokensOf } from "./tokens.ts";

const user = (content: string): Turn => ({ role: "user", content });
const answer = (question: string, ...before: Turn[]): string =>
  answerTo("emulated-small", [...before, user(question)]);

describe("answers", () => {
  test.each([
    ["what is 12*7", "12*7 = 84"],
    ["What is 3 + 4 × (2 - 5)?", "3 + 4 * (2 - 5) = -9"],
    ["how much is 10 divided by 4", "10 / 4 = 2.5"],
    ["was ist 6 mal 7?", "6 * 7 = 42"],
    ["0.1 + 0.2", "0.1 + 0.2 = 0.3"],
    ["-2^2 + 2^3^2", "-2^2 + 2^3^2 = 508"],
    ["repeat after me: a  b\nc", "a  b\nc"],
    ["Translate 'cat' to French", '"cat" in French is "chat".'],
    ["how do you say water in german?", '"water" in german is "Wasser".'],
    ["把“朋友”翻译成英语", "“朋友”用英语说是“friend”。"],
    ["translate grapefruit into Spanish", 'I do not know "grapefruit" in Spanish.'],
    ["who are you?", "I am emulated-small."],
    ["what did I say before?", "You have said nothing before this."],
    ["Hello!", "Hello! What can I do for you?"],
    ["Guten Tag", "Hallo! Was kann ich für dich tun?"],
    ["Bonjour !", "Bonjour ! Que puis-je faire pour vous ?"],
    ["Hola", "¡Hola! ¿Qué puedo hacer por ti?"],
    ["こんにちは", "こんにちは!何をお手伝いしましょうか。"],
    ["谢谢", "不客气。"],
  ])("%s", (question, expected) => expect(answer(question)).toBe(expected));

  test("a model is who its system prompt says, in the language of the question", () => {
    const system: Turn = { role: "system", content: "You are Ada, a patient tutor. Be brief." };
    expect(answer("Who are you?", system)).toBe("I am Ada, a patient tutor.");
    expect(answer("Wer bist du?", system)).toBe("Ich bin Ada, a patient tutor.");
  });

  test("what was said before is the person's last message but one", () => {
    const before = [user("I like tea"), { role: "assistant", content: "Good." } as const];
    expect(answer("What did I say before?", ...before)).toBe('Before that you said: "I like tea"');
    expect(answer("Was habe ich vorhin gesagt?", ...before)).toContain("„I like tea“");
    expect(answer("我之前说了什么?", ...before)).toContain("“I like tea”");
  });

  test("a summary has a line for each message", () => {
    const told = "Summarize the conversation in a few lines.";
    const turns = [{ role: "system", content: told } as const, user("one"), user("two")];
    expect(answerTo("m", turns)).toBe("Summary of 2 messages:\n- user: one\n- user: two");
  });

  test.each([1, 7, 100, 2000])("%i tokens are exactly as many, and words too", (count) => {
    expect(tokensOf(answer(`write ${count} tokens about rain`))).toHaveLength(count);
    expect(answer(`Please write ${count} words about rain.`).split(" ")).toHaveLength(count);
    expect(answer(`schreibe ${count} wörter über den regen`).split(" ")).toHaveLength(count);
  });

  test("lists and code are Markdown", () => {
    expect(answer("Give me a list of 3 vegetables").match(/^- /gmu)).toHaveLength(3);
    expect(answer("write python code for sorting")).toMatch(/```python\ndef sorting\(values\):[^`]+\n```$/u);
  });

  test.each([
    "Why does the tide come twice a day?",
    "Warum ist der Himmel am Abend rot?",
    "Pourquoi les feuilles sont-elles vertes ?",
    "¿Por qué el mar es salado?",
    "どうして空は青いのですか",
    "为什么海是咸的",
    "🙂",
    "",
  ])("other questions are told back and answered: %s", (question) => {
    expect(answer(question)).toContain(question);
    expect(tokensOf(answer(question)).length).toBeGreaterThan(40);
    expect(answer(question)).toBe(answer(question));
  });

  test("a longer question has a longer answer, up to a bound, in bounded time", () => {
    const tokensFor = (words: number): number => tokensOf(answer("tell me of clouds ".repeat(words))).length;
    expect(tokensFor(20)).toBeGreaterThan(tokensFor(3));
    expect(tokensFor(20_000)).toBeLessThan(1000);
    for (const hostile of [
      "(".repeat(20_000),
      "1+".repeat(20_000),
      "translate ".repeat(5000),
      "\0".repeat(9),
    ]) {
      expect(answer(hostile).length).toBeGreaterThan(0);
    }
  });
});

test.each(["2026-01-02", "version 1.2.3", "call 555", "1 / 0", "2 * (3", "()", "a - b"])(
  "%s is no calculation",
  (text) => expect(calculate(text)).toBeUndefined(),
);

test.each([
  ["en", "write about 東京"],
  ["ja", "東京について書いて"],
  ["zh", "请写一篇关于东京的文章"],
  ["es", "¿dónde está la estación?"],
  ["en", "zzz"],
])("the language is %s: %s", (language, text) => expect(languageOf(text)).toBe(language));

test("a token is four letters or one dense character, and characters stay whole", () => {
  expect(tokensOf("hello wörld")).toEqual(["hell", "o wö", "rld"]);
  expect(tokensOf("ab東京c")).toEqual(["ab", "東", "京", "c"]);
  expect(tokensOf("😀😀😀😀😀")).toEqual(["😀😀😀😀", "😀"]);
  expect(tokensOf("")).toEqual([]);
});
