import { expect, test } from "vitest";
import { MENTIONS_MAX } from "../chat/contract.ts";
import { findMentions, offered, soughtBefore } from "./mentions.ts";

const people = [
  { name: "Ada", user: "a" },
  { name: "Ada Lovelace", user: "l" },
  { name: "Bob", user: "b1" },
  { name: "bob", user: "b2" },
  { name: "all", user: "all" },
];

test("the longest name that fits is meant, and of two by one name the first", () => {
  expect(findMentions("@ada lovelace, @Ada and @BOB: @all", people)).toEqual([
    { start: 0, end: 13, user: "l" },
    { start: 15, end: 19, user: "a" },
    { start: 24, end: 28, user: "b1" },
    { start: 30, end: 34, user: "all" },
  ]);
});

test("an address, a longer word and a lone sign mention nobody", () => {
  expect(findMentions("me@ada.example @adam @ @all_of", people)).toEqual([]);
  expect(findMentions("@Ada ".repeat(60), people)).toHaveLength(MENTIONS_MAX);
});

test("what is sought is what stands between the sign and the cursor", () => {
  expect(soughtBefore("Hi @ad", 6)).toEqual({ start: 3, wanted: "ad" });
  expect(soughtBefore("Hi @", 4)).toEqual({ start: 3, wanted: "" });
  expect(soughtBefore("@Ada Lo", 7)).toEqual({ start: 0, wanted: "Ada Lo" });
  expect(soughtBefore("Hi @ad", 3)).toBeUndefined();
  expect(soughtBefore("me@ad", 5)).toBeUndefined();
  expect(soughtBefore("@Ada\n", 5)).toBeUndefined();
});

test("people are offered by the beginning of any of their names", () => {
  const names = (wanted: string): string[] => offered(wanted, people).map(({ user }) => user);
  expect(names("lov")).toEqual(["l"]);
  expect(names("AD")).toEqual(["a", "l"]);
  expect(names("da")).toEqual([]);
  expect(names("")).toHaveLength(5);
});
