import { describe, expect, test } from "vitest";
import { classify, versions } from "./classify.ts";
import { confusionOf, latencyOf } from "./measure.ts";
import { ownQuestions } from "./own-questions.ts";

const english = ownQuestions.filter(({ language }) => language === "en");
const measured = (version: keyof typeof versions, questions: typeof ownQuestions) =>
  confusionOf(questions, ({ text }) => versions[version](text).lane);

describe("lanes of our own questions", () => {
  test("version 2 is right in more than nine of ten English ones, and finds clearly more of the slow ones than version 1", () => {
    const { accuracy, byLane } = measured("v2", english);
    expect(accuracy).toBeGreaterThan(0.92);
    expect(Math.min(byLane.fast, byLane.slow)).toBeGreaterThan(0.85);
    const before = measured("v1", english);
    expect(accuracy).toBeGreaterThan(before.accuracy);
    expect(byLane.slow - before.byLane.slow).toBeGreaterThan(0.05);
  });

  test.each(["de", "fr", "es", "it", "pt", "nl", "ru", "ja", "zh", "ko"])(
    "version 2 is right in nine of ten in %s, although it learned from English",
    (language) => {
      const questions = ownQuestions.filter((question) => question.language === language);
      expect(questions.length).toBeGreaterThanOrEqual(10);
      expect(measured("v2", questions).accuracy).toBeGreaterThanOrEqual(0.9);
    },
  );

  test("version 1 is right in more than eight of ten", () => {
    expect(measured("v1", ownQuestions).accuracy).toBeGreaterThan(0.8);
  });
});

describe("a classification", () => {
  test("tells lane, confidence, language and version, always the same", () => {
    const text = "Please explain how tides work and why there are two a day.";
    expect(classify(text)).toEqual({
      lane: "slow",
      confidence: versions.v2(text).confidence,
      language: "en",
      version: "v2",
    });
    for (const question of ownQuestions) expect(classify(question.text)).toEqual(classify(question.text));
    expect(versions.v1("What time is it?")).toMatchObject({ lane: "fast", version: "v1", language: "en" });
  });

  test.each([
    ["NUL", "\0\0\0"],
    ["a lone surrogate", "\ud800 what time is it"],
    ["10,000 letters", "a".repeat(10_000)],
    ["10,000 words", "why ".repeat(10_000)],
    ["10,000 brackets", "({[<".repeat(2500)],
    ["select without from", "select ".repeat(1500)],
    ["10,000 dense characters", "比".repeat(10_000)],
    ["10,000 combining marks", `a${"\u0301".repeat(10_000)}`],
    ["100,000 full stops", ".".repeat(100_000)],
    ["names of Object's own", "__proto__ constructor toString"],
  ])("of %s takes bounded time", (_, text) => {
    for (const version of Object.values(versions)) {
      version(text);
      const begun = performance.now();
      const { confidence } = version(text);
      expect(performance.now() - begun).toBeLessThan(50);
      expect(confidence).toBeGreaterThanOrEqual(0.5);
      expect(confidence).toBeLessThanOrEqual(1);
    }
  });

  test.each(["", " \n\t ", "😀🎉🔥", "?!"])("of %j, which asks nothing, is fast", (text) => {
    for (const version of Object.values(versions)) {
      expect(version(text)).toMatchObject({ lane: "fast", language: "und" });
    }
  });

  test("takes less than a fifth of a millisecond", () => {
    const texts = ownQuestions.map(({ text }) => text);
    expect(latencyOf(texts, versions.v2).p95).toBeLessThan(0.2);
  });
});
