import { expect, test } from "vitest";
import { Text } from "../chat/contract.ts";
import { isVisibleText } from "./visible-text.ts";

test.each([
  "",
  "   ",
  "\u200b",
  "\u3164",
  "\u2800",
  "\u00ad\u2060",
  "\n\t",
  "\u202e",
  "a",
  " é ",
  "👩‍👧",
  "\u200ba",
  "0",
])("%j can be sent if the API takes it", (text) => {
  expect(isVisibleText(text)).toBe(Text.safeParse(text).success);
});
