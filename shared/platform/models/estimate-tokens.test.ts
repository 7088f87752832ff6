import { describe, expect, test } from "vitest";
import { TOKEN_SAMPLES } from "../../testing/token-samples.ts";
import { estimateTokens } from "./estimate-tokens.ts";

describe("the estimate is within 25 % of a tokenizer's count", () => {
  test.each(TOKEN_SAMPLES)("for $name", ({ text, tokens }) => {
    expect(Math.abs(estimateTokens(text) / tokens - 1)).toBeLessThan(0.25);
  });
});

test("nothing is no token", () => {
  expect(estimateTokens("")).toBe(0);
});

test("a long text without a space costs no more than its length", () => {
  for (const unit of ["a", "aB1", "中", "é", "-+", "\n ", "👍"]) {
    const text = unit.repeat(20_000);
    expect(estimateTokens(text)).toBeGreaterThan(0);
    expect(estimateTokens(text)).toBeLessThanOrEqual(text.length * 1.5);
  }
});
