import { describe, expect, test } from "vitest";
import type { AnswerError } from "../../shared/chat/contract.ts";
import { canTryAgain, wordsOfEnding, wordsOfGiven } from "./answer-words.ts";

const today = new Date().toISOString();
const failedBy = (code: AnswerError["code"], createdAt = today) =>
  canTryAgain({ error: { code, message: "No." }, createdAt });

describe("a failed answer", () => {
  test("is worth another try only where the same question may go better", () => {
    expect(canTryAgain({ createdAt: today })).toBe(true);
    expect(failedBy("unavailable")).toBe(true);
    for (const code of ["too_long", "refused", "invalid", "images", "misconfigured", "budget"] as const)
      expect(failedBy(code)).toBe(false);
  });

  test("for want of budget is worth one on the next day", () => {
    expect(failedBy("budget", "2026-01-01T23:59:59.999Z")).toBe(true);
  });
});

describe("the files that a model was given", () => {
  const nameOf = (file: string) => ({ a: "photo.png", b: "menu.pdf" })[file];

  test("are named, and whether all of them was", () => {
    const given = [
      { file: "a", as: "image" as const },
      { file: "b", as: "text" as const, cut: true as const },
    ];
    expect(wordsOfGiven({ given }, nameOf)).toBe("Was given photo.png and menu.pdf (its beginning).");
    expect(wordsOfGiven({ given: [{ file: "c", as: "text" }] }, nameOf)).toBe("Was given a file.");
    expect(wordsOfGiven({}, nameOf)).toBe("");
  });
});

describe("how an answer ended", () => {
  test("is told where it ended early, and not otherwise", () => {
    expect(wordsOfEnding({ finishReason: "refusal", text: "I can't." })).toMatch(/declined/);
    expect(wordsOfEnding({ finishReason: "content_filter", text: "" })).toMatch(/this answer back/);
    expect(wordsOfEnding({ finishReason: "stop", text: "Yes." })).toBe("");
    expect(wordsOfEnding({ text: "Yes." })).toBe("");
  });
});
