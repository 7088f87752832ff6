import { expect, test } from "vitest";
import { ANSWER_ERRORS, WORD_LANGUAGES, wordsOf } from "./failure-words.ts";

test("every failure is told in every language, each in words of its own", () => {
  for (const language of WORD_LANGUAGES) {
    const words = ANSWER_ERRORS.map((code) => wordsOf(code, language));
    expect(new Set(words).size).toBe(ANSWER_ERRORS.length);
  }
});

test("the first language that is known counts, regions aside", () => {
  expect(wordsOf("budget", undefined, "pt-BR", "de")).toBe(wordsOf("budget", "pt"));
  expect(wordsOf("budget", "xx", "DE")).toBe(wordsOf("budget", "de"));
});

test("without one it is English", () => {
  expect(wordsOf("budget")).toBe(wordsOf("budget", "en"));
  expect(wordsOf("budget", "constructor", "__proto__", "")).toBe(wordsOf("budget", "en"));
});
