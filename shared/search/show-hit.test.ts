import { describe, expect, test } from "vitest";
import { parseTerms } from "./parse-terms.ts";
import { HIGHLIGHTS_MAX, SNIPPET_CHARS_MAX, showHit } from "./show-hit.ts";

/** The highlighted pieces of a text. */
function highlighted(text: string, query: string, tolerant = false): string[] | undefined {
  return showHit(text, parseTerms(query), tolerant)?.highlights.map(({ start, end }) =>
    text.slice(start, end),
  );
}

describe("highlights are pieces of the text as it was written", () => {
  test.each([
    ["Crème brûlée, please", "BRULEE", ["brûlée"]],
    ["Cafe\u0301 au lait", "é", ["e\u0301"]],
    ["👍👍 Straße 1", "strasse 1", ["Straße", "1"]],
    ["ﬁne", "f", ["ﬁ"]],
    ["私は東京都に住む", "東京", ["東京"]],
    ["aaaa", "aa", ["aaaa"]],
    ["one two one", "one", ["one", "one"]],
    ["See   you\nsoon", '"you soon"', ["you\nsoon"]],
    ["Our family 👨‍👩‍👧 here", "👩", ["👨‍👩‍👧"]],
    ["👍🏽 yes", "👍", ["👍🏽"]],
    ["flag 🇩🇪🇫🇷", "🇪", ["🇩🇪"]],
    ["सड़क पर", "सडक", ["सड़क"]],
    ["Nummer ٤٥٦", "456", ["٤٥٦"]],
    ["hidden soft\u00adhyphen", "softhyphen", ["soft\u00adhyphen"]],
  ])("%j with %j", (text, query, expected) => {
    expect(highlighted(text, query)).toEqual(expected);
  });

  test("misspelt words are highlighted whole, where that is asked for", () => {
    expect(highlighted("A nice restaurant here", "resturant", true)).toEqual(["restaurant"]);
    expect(highlighted("A nice restaurant here", "resturant")).toBeUndefined();
  });

  test("all terms have to be there", () => {
    expect(highlighted("one two", "one three")).toBeUndefined();
  });

  test("they are no more than HIGHLIGHTS_MAX", () => {
    const terms = Array.from({ length: 20 }, (_, index) => String.fromCharCode(97 + index));
    const text = `${terms.join(" ")} `.repeat(30);
    expect(highlighted(text, terms.join(" "))).toHaveLength(HIGHLIGHTS_MAX);
  });
});

describe("a snippet", () => {
  const long = `${"before ".repeat(60)}needle ${"after ".repeat(60)}`;

  test("of a short text is the text", () => {
    expect(showHit("short", parseTerms("or"), false)).toMatchObject({ snippet: "short", snippetStart: 0 });
  });

  test("of a long one is a piece around the first highlight, of whole words", () => {
    const { snippet = "", snippetStart = 0 } = showHit(long, parseTerms("needle"), false) ?? {};
    expect(snippet).toContain("needle");
    expect(snippet).toMatch(/^before .* after$/);
    expect(snippet.length).toBeLessThanOrEqual(SNIPPET_CHARS_MAX);
    expect(long.slice(snippetStart, snippetStart + snippet.length)).toBe(snippet);
  });

  test("never holds half a character, and always the beginning of the highlight", () => {
    for (let shift = 0; shift < 4; shift += 1) {
      const text = `${"a".repeat(shift)}${"😀".repeat(200)}needle${"😀".repeat(200)}`;
      const { snippet = "" } = showHit(text, parseTerms("needle"), false) ?? {};
      expect(snippet.isWellFormed()).toBe(true);
      expect(snippet).toContain("needle");
    }
  });
});
