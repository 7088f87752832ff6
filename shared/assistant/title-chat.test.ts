import { expect, test } from "vitest";
import { titleOf } from "./title-chat.ts";

test.each([
  ["Ferries to Turin", "Ferries to Turin"],
  ['"Ferries to Turin."', "Ferries to Turin"],
  ["**Title: Ferries**", "Ferries"],
  ["# Ferries\n\nMore words", "Ferries"],
  ["\n\n  „Fähren nach Turin“  ", "Fähren nach Turin"],
  ["A\u0000B\tC", "A B C"],
  ["", ""],
  ['""', ""],
])("of %j the title is %j", (text, title) => {
  expect(titleOf(text)).toBe(title);
});

test("a long title is cut, and no character in two", () => {
  expect(titleOf("😀".repeat(100))).toBe("😀".repeat(40));
});
