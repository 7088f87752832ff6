import { expect, test } from "vitest";
import { expectedRevision, knownRevision } from "./conditional.ts";

test("If-None-Match knows the revisions it lists, weak or strong", () => {
  const known = knownRevision({ "if-none-match": '"3", W/"5"' });
  expect([3, 4, 5].map((revision) => known?.(revision))).toEqual([true, false, true]);
});

test("If-Match compares strongly", () => {
  const expected = expectedRevision({ "if-match": 'W/"5", "6"' });
  expect([5, 6].map((revision) => expected?.(revision))).toEqual([false, true]);
});

test("a star matches whatever there is, and no header asks for nothing", () => {
  expect(expectedRevision({ "if-match": "*" })?.(1)).toBe(true);
  expect(expectedRevision({})).toBeUndefined();
});
