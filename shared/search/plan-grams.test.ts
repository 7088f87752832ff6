import { describe, expect, test } from "vitest";
import { seededRandom } from "../testing/seeded-random.ts";
import { foldText } from "../words/fold.ts";
import { gramsOf } from "../words/grams.ts";
import { parseTerms } from "./parse-terms.ts";
import { GRAMS_JOINED_MAX, planCharacters, planGrams, rarityOf } from "./plan-grams.ts";

const planned = (query: string): string[] => planGrams(parseTerms(query));

describe("a query is looked for", () => {
  test("by single characters where it has no more", () => {
    expect(planned("a")).toEqual(["a"]);
    expect(planned("東")).toEqual(["東"]);
  });

  test("by the rarest of its grams that cover it", () => {
    expect(planned("quizzes")).toContain("uiz");
    expect(planned("東京都")).toEqual(["東京", "京都"]);
    expect(planned("restaurant").length).toBeLessThanOrEqual(GRAMS_JOINED_MAX);
  });

  test("by something of every word, but not by what nearly every message has", () => {
    expect(planned("jazz quartz")).toEqual(expect.arrayContaining(["azz", "qua"]));
    expect(planned("e quartz")).not.toContain("e");
    expect(planned("e a")).toHaveLength(1);
  });

  test("by few grams, however long it is", () => {
    expect(planned("lorem ipsum dolor sit amet ".repeat(20))).toHaveLength(GRAMS_JOINED_MAX);
  });
});

test("whatever text has the query has the grams that it is looked for by", () => {
  const random = seededRandom(11);
  const alphabets = [
    "abcdefghi ",
    "абвгдежз ",
    "東京都市区町村 ",
    "あいうえおかき ",
    "한국어메시지 ",
    "👍😀🎉 a",
    "é.-ßA ",
  ];
  for (let round = 0; round < 1_000; round += 1) {
    const letters = Array.from(alphabets[round % alphabets.length] ?? "");
    const text = Array.from({ length: 60 }, () => letters[Math.floor(random() * letters.length)]).join("");
    const characters = Array.from(text);
    const from = Math.floor(random() * 40);
    const piece = characters.slice(from, from + 1 + Math.floor(random() * 20)).join("");
    const grams = gramsOf(foldText(text));
    for (const query of [piece, `"${piece}"`]) {
      for (const gram of planned(query)) expect(grams).toContain(gram);
      for (const character of planCharacters(parseTerms(query))) expect(grams).toContain(character);
    }
  }
});

test("rare words weigh as rare as their rarest gram", () => {
  const [common, rare] = ["the", "quartz"].map((query) => Math.max(...parseTerms(query).map(rarityOf)));
  expect(common).toBeGreaterThan(0.1);
  expect(rare).toBeLessThan(0.01);
});
