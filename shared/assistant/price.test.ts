import { expect, test } from "vitest";
import { affordableTokens, costOf } from "./price.ts";

const PRICE = { inputMicros: 1_000_000, outputMicros: 4_000_000, cachedMicros: 100_000 };

test.each([
  ["what is not cached at its own price", { inputTokens: 10, outputTokens: 0 }, 10],
  ["what is cached at the price of that", { inputTokens: 100, outputTokens: 0, cachedTokens: 90 }, 10 + 9],
  ["no more as cached than there was", { inputTokens: 10, outputTokens: 0, cachedTokens: 1_000 }, 1],
  ["answers besides", { inputTokens: 10, outputTokens: 5, cachedTokens: 10 }, 1 + 20],
  ["parts of a millionth as a whole one", { inputTokens: 1, outputTokens: 0, cachedTokens: 1 }, 1],
])("input counts %s", (_, tokens, micros) => {
  expect(costOf(PRICE, tokens)).toBe(micros);
});

test("without a price for cached input it costs as much as other input", () => {
  const { cachedMicros: _, ...price } = PRICE;
  expect(costOf(price, { inputTokens: 100, outputTokens: 0, cachedTokens: 90 })).toBe(100);
});

test("what is affordable is what remains after the question", () => {
  expect(affordableTokens(PRICE, 10, 50)).toBe(10);
  expect(affordableTokens(PRICE, 10, 9)).toBe(0);
  expect(affordableTokens({ inputMicros: 0, outputMicros: 0 }, 10, 0)).toBe(Infinity);
});
