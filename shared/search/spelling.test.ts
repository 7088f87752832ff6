import { describe, expect, test } from "vitest";
import { seededRandom } from "../testing/seeded-random.ts";
import { isNear, isTolerant, spellingsNear, spellingsOf } from "./spelling.ts";

describe("words are near", () => {
  test.each([
    ["tean", "team", "another letter"],
    ["taem", "team", "two swapped"],
    ["team", "steam", "one more"],
    ["steam", "team", "one less"],
    ["resturant", "restaurant", "one more in a long word"],
    ["resturrant", "restaurant", "another letter, and one swapped"],
    ["definately", "definitely", "another letter in a long word"],
    ["tone", "tune", "another letter in a short word"],
    ["house", "houses", "one more at the end"],
    ["жызнь", "жизнь", "in any alphabet"],
  ])("%s and %s: %s", (word, other) => {
    expect(isNear(word, other)).toBe(true);
  });

  test.each([
    ["cat", "car", "three letters are too few"],
    ["tone", "tuna", "two edits in a short word"],
    ["restaurant", "restless", "more than two edits"],
    ["house", "household", "four more"],
  ])("unlike %s and %s: %s", (word, other) => {
    expect(isNear(word, other)).toBe(false);
  });
});

test("numbers, short words and dense signs are meant as they are", () => {
  expect(["2024", "cat", "東京都庁", "한국어를", "r2d2x"].filter(isTolerant)).toEqual([]);
});

/** One edit of a random kind at a random place. */
function misspell(word: string, random: () => number): string {
  const at = Math.floor(random() * word.length);
  const letter = String.fromCharCode(97 + Math.floor(random() * 26));
  const kind = Math.floor(random() * 4);
  if (kind === 0) return word.slice(0, at) + letter + word.slice(at + 1);
  if (kind === 1) return word.slice(0, at) + letter + word.slice(at);
  if (kind === 2) return word.slice(0, at) + word.slice(at + 1);
  const next = word.charAt(at + 1);
  return next === "" ? word : word.slice(0, at) + next + word.charAt(at) + word.slice(at + 2);
}

test("a word near to another has a spelling, or a word that is looked for as it is, in common with it", () => {
  const random = seededRandom(3);
  let near = 0;
  for (let round = 0; round < 4_000; round += 1) {
    const length = 4 + Math.floor(random() * 9);
    const word = Array.from({ length }, () => String.fromCharCode(97 + Math.floor(random() * 6))).join("");
    let wrong = misspell(word, random);
    if (length >= 8 && random() < 0.5) wrong = misspell(wrong, random);
    // Six letters to which two were added are found by no spelling: one is what six letters allow.
    if (!isNear(wrong, word) || (word.length < 7 && wrong.length >= 8)) continue;
    near += 1;
    const { spellings, words } = spellingsNear(wrong);
    const has = spellingsOf(word);
    expect(word === wrong || words.includes(word) || spellings.some((each) => has.has(each))).toBe(true);
  }
  expect(near).toBeGreaterThan(3_000);
});

test("what is looked for stays within Firestore's 30 disjunctions", () => {
  for (let length = 4; length <= 30; length += 1) {
    const { spellings, words } = spellingsNear("abcdefghijklmnopqrstuvwxyzabcd".slice(0, length));
    expect(spellings.length + words.length).toBeLessThanOrEqual(30);
  }
});
