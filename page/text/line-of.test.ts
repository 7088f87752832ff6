import { expect, test } from "vitest";
import { lineOf } from "./line-of.ts";

test.each([
  ["**bold** and *italic*, `code` and ~~gone~~", "bold and italic, code and gone"],
  ["# Heading\n\nfirst\nsecond", "Heading first second"],
  ["- one\n- two\n  - three", "one two three"],
  ["- [x] done", "done"],
  ["> said", "said"],
  ["| a | b |\n|---|---|\n| **1** | 2 |", "a b 1 2"],
  ["[here](https://a.example) and https://b.example", "here and https://b.example"],
  ["![a cat](https://a.example/cat.png)", "a cat"],
  ["```js\nlet a = 1\n```\nthen", "let a = 1 then"],
  ["<script>a()</script>", "<script>a()</script>"],
  ["1 * 2 * 3 < 7", "1 * 2 * 3 < 7"],
  ["It costs $5, or $x^2$.", "It costs $5, or x^2."],
  ["\\*as it is\\*", "*as it is*"],
  ["As said[^1]", "As said"],
  ["[a]: https://a.example", "[a]: https://a.example"],
  ["", ""],
])("%j says in one line %j", (text, line) => {
  expect(lineOf(text)).toBe(line);
});
