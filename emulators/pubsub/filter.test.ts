import { expect, test } from "vitest";
import { parseFilter } from "./filter.ts";

const attributes = { kind: "order.paid", region: "eu", "content-type": "a/b", 'a"b': "x\ny", empty: "" };

test.each([
  ["", true],
  ["attributes:kind", true],
  ["attributes:missing", false],
  ["attributes:empty", true],
  ["attributes:constructor", false],
  ['hasPrefix(attributes.constructor, "")', false],
  ['attributes.region = "eu"', true],
  ['attributes.region="us"', false],
  ['attributes.region != "us"', true],
  ['attributes.missing != "us"', true],
  ['hasPrefix(attributes.kind, "order.")', true],
  ['hasPrefix(attributes.kind, "user.")', false],
  ['hasPrefix(attributes.missing, "")', false],
  ['NOT attributes.region = "us"', true],
  ["-attributes:region", false],
  ["NOT NOT attributes:region", true],
  ['attributes.region = "eu" AND attributes:kind AND attributes:missing', false],
  ['attributes.region = "us" OR attributes:kind', true],
  ['(attributes.region = "us" OR attributes.region = "eu") AND NOT attributes:missing', true],
  ['attributes.content-type = "a/b"', true],
  ['attributes."content-type" = "a/b"', true],
  [String.raw`attributes."a\"b" = "x\ny"`, true],
  [String.raw`attributes.region = "\u0065\x75"`, true],
  [String.raw`attributes.region = "\145u"`, true],
])("%s → %s", (filter, expected) => {
  expect(parseFilter(filter)(attributes)).toBe(expected);
});

test.each([
  "attributes",
  "attributes.region",
  "attributes.region = eu",
  'attributes.region == "eu"',
  'region = "eu"',
  '(attributes.region = "eu"',
  'attributes.region = "eu")',
  'attributes.region = "eu" AND',
  "attributes:a AND attributes:b OR attributes:c",
  'attributes.region = "eu" attributes:kind',
  'attributes.region = "eu',
  "hasPrefix(attributes.region)",
  "and attributes:kind",
  `attributes.region = "${"x".repeat(250)}"`,
])("%s is no filter", (filter) => {
  expect(() => parseFilter(filter)).toThrow(SyntaxError);
});
