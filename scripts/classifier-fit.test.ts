import { describe, expect, test } from "vitest";
import { scoreByWeights } from "../shared/classifier/by-weights.ts";
import { detectLanguage } from "../shared/classifier/detect-language.ts";
import { readQuestion } from "../shared/classifier/features.ts";
import { confusionOf } from "../shared/classifier/measure.ts";
import { ownQuestions } from "../shared/classifier/own-questions.ts";
import { madeUpQuestions } from "./classifier-examples.ts";
import { fitLanes, intentFolds, isHeldOut, type Labelled } from "./classifier-fit.ts";

const given: readonly Labelled[] = Array.from({ length: 50 }, (_, index) => ({
  text: `${index % 2 === 0 ? "fetch" : "ponder"} item ${index}`,
  lane: index % 2 === 0 ? "fast" : "slow",
  intent: `intent ${index % 10}`,
}));

describe("learning", () => {
  test("the same questions give the same weights, and weights that know them", () => {
    const [one, two] = [fitLanes(given), fitLanes(given)];
    expect(one).toEqual(two);
    const { accuracy } = confusionOf(given, ({ text }) =>
      scoreByWeights(readQuestion(text), detectLanguage("the"), one) > 0 ? "slow" : "fast",
    );
    expect(accuracy).toBe(1);
  });

  test("the questions to test with are none of those that we made up to learn from", () => {
    const madeUp = new Set(madeUpQuestions().map(({ text }) => text.toLowerCase()));
    const plain = ownQuestions.map(({ text }) => text.toLowerCase().replace(/[.?!]$/u, ""));
    // Short replies that everybody gives, such as "ok", are in both.
    expect(plain.filter((text) => madeUp.has(text) && text.split(" ").length > 2)).toEqual([]);
  });
});

describe("measuring", () => {
  test("one sentence in ten is held out, and always the same ones", () => {
    const held = madeUpQuestions().filter(isHeldOut);
    const share = held.length / madeUpQuestions().length;
    expect(share).toBeGreaterThan(0.07);
    expect(share).toBeLessThan(0.13);
    expect(held.every(isHeldOut)).toBe(true);
  });

  test("an intent is in one part only, and both lanes are in each", () => {
    const folds = intentFolds(given);
    expect(folds.flat()).toHaveLength(given.length);
    const intents = folds.map((fold) => new Set(fold.map(({ intent }) => intent)));
    expect(intents.reduce((sum, { size }) => sum + size, 0)).toBe(10);
    for (const fold of folds) expect(new Set(fold.map(({ lane }) => lane)).size).toBe(2);
  });

  test("balanced accuracy gains nothing by telling one lane always", () => {
    const rare = given.filter(({ lane }, index) => lane === "fast" || index < 5);
    const { accuracy, balanced } = confusionOf(rare, () => "fast");
    expect(accuracy).toBeGreaterThan(0.9);
    expect(balanced).toBe(0.5);
  });
});
