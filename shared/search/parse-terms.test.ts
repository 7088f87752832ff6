import { expect, test } from "vitest";
import { parseTerms } from "./parse-terms.ts";

const textsOf = (query: string): string[] => parseTerms(query).map(({ text }) => text);

test("words are terms of their own, folded and without repetition", () => {
  expect(textsOf("  Hello  WORLD hello ")).toEqual(["hello", "world"]);
});

test("what stands between quotes is one term, spaces included; the last quote may be open", () => {
  expect(textsOf('say "Good  morning" twice')).toEqual(["say", "good morning", "twice"]);
  expect(textsOf("“Guten Tag”")).toEqual(["guten tag"]);
  expect(textsOf('say "good mor')).toEqual(["say", "good mor"]);
});

test("everything else is literal", () => {
  expect(textsOf(".*[a-z]+ C++ a|b \\d {} $^ %_ OR NOT -x")).toEqual([
    ".*[a-z]+",
    "c++",
    "a|b",
    "\\d",
    "{}",
    "$^",
    "%_",
    "or",
    "not",
    "-x",
  ]);
});

test.each(["", "   ", '"', '""', '" "', "\u0000\u200b\u00ad"])("%j asks for nothing", (query) => {
  expect(parseTerms(query)).toEqual([]);
});

test("phrases, numbers and short words are meant as they are written", () => {
  const tolerant = parseTerms('"hello" world 12345 cat').filter(({ isTolerant }) => isTolerant);
  expect(tolerant.map(({ text }) => text)).toEqual(["world"]);
});
