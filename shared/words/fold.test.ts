import { describe, expect, test } from "vitest";
import { seededRandom } from "../testing/seeded-random.ts";
import { fold, foldText } from "./fold.ts";

describe("folding", () => {
  test.each([
    ["HELLO", "hello"],
    ["Crème Brûlée", "creme brulee"],
    ["Straße", "strasse"],
    ["ΟΔΥΣΣΕΥΣ", "οδυσσευσ"],
    ["Οδυσσεύς", "οδυσσευσ"],
    ["İstanbul ılık", "istanbul ilik"],
    ["ＦＵＬＬ　width１", "full width1"],
    ["ﬁne ligature", "fine ligature"],
    ["カタカナ ｶﾞｷﾞ", "かたかな がぎ"],
    ["한글", "한글"],
    ["가각", "가각"],
    ["ещё йод Ёлка", "еще йод елка"],
    ["שָׁלוֹם", "שלום"],
    ["كِتَابٌ أحمد", "كتاب احمد"],
    ["हिन्दी", "हिन्दी"],
    ["ภาษาไทย", "ภาษาไทย"],
    ["co\u00adop\u200bera\u202ete", "cooperate"],
    ["don’t — “so”", 'don\'t - "so"'],
    ["a\u0000b\tc  \n d", "a b c d"],
    ["👩🏽‍🚀 ❤️", "👩🏽🚀 ❤"],
    ["٤٥٦ ۴۵۶ ४५६ 𝟜𝟝𝟞 ４５６", "456 456 456 456 456"],
    ["सड़क सड\u093cक ਸ਼ੇਰ বাড়ি", "सडक सडक ਸੇਰ বাডি"],
    ["10〜20 10～20 10∼20", "10~20 10~20 10~20"],
    ["x−y x–y x‒y x﹘y x－y", "x-y x-y x-y x-y x-y"],
    ["", ""],
  ])("%j is searched as %j", (text, expected) => {
    expect(foldText(text)).toBe(expected);
    expect(fold(text).text).toBe(expected);
  });

  test("composed and decomposed forms are the same", () => {
    for (const text of ["Ångström", "가방", "が", "ừ", "آب", "क़लम"]) {
      expect(foldText(text.normalize("NFD"))).toBe(foldText(text.normalize("NFC")));
    }
  });

  test("folding what is folded changes nothing, and both ways agree, for any characters", () => {
    const random = seededRandom(7);
    const blocks = [0x20, 0xc0, 0x370, 0x400, 0x590, 0x600, 0x900, 0xe00, 0x1100, 0x1e00, 0x3040, 0x30a0];
    blocks.push(0x4e00, 0xac00, 0xfb00, 0xff00, 0x1f600, 0x2000, 0x300);
    for (let round = 0; round < 300; round += 1) {
      const text = Array.from({ length: 20 }, () => {
        const block = blocks[Math.floor(random() * blocks.length)] ?? 0;
        return String.fromCodePoint(block + Math.floor(random() * 96));
      }).join("");
      const once = foldText(text);
      expect(fold(text).text).toBe(once);
      expect(foldText(once)).toBe(once);
    }
  });
});

test("each folded character leads back to the character and marks it came from", () => {
  const text = "Ca  fe\u0301: ﬁ\u00adn👍";
  const { text: folded, starts, ends } = fold(text);
  expect(folded).toBe("ca fe: fin👍");
  const back = [...folded.matchAll(/./gsu)].map(({ 0: character, index }) => [
    character,
    text.slice(starts[index], ends[index]),
  ]);
  expect(back).toEqual([
    ["c", "C"],
    ["a", "a"],
    [" ", " "],
    ["f", "f"],
    ["e", "e\u0301"],
    [":", ":"],
    [" ", " "],
    ["f", "ﬁ"],
    ["i", "ﬁ"],
    ["n", "n"],
    ["👍", "👍"],
  ]);
});
