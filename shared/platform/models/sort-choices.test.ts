import { expect, test } from "vitest";
import type { ChunkPiece } from "./read-chunk.ts";
import { createChoiceSorter, HELD_CHUNKS_MAX } from "./sort-choices.ts";

const CHARS_MAX = 1_000;
const said = (text: string): ChunkPiece => ({ kind: "text", text });
const thought = (text: string): ChunkPiece => ({ kind: "thinking", text });
const textIn = (pieces: readonly ChunkPiece[]): string =>
  pieces.map((piece) => (piece.kind === "text" ? piece.text : "")).join("");

/** What is told while the chunks come, and what at their end. */
function sorted(...chunks: readonly (readonly [index: number, piece: ChunkPiece])[]): [string, string] {
  const sorter = createChoiceSorter(CHARS_MAX);
  const soon = chunks.map(([index, piece]) => textIn(sorter.add(index, [piece], false))).join("");
  return [soon, textIn(sorter.end())];
}
const numbered = (count: number, indexOf: (place: number) => number) =>
  Array.from({ length: count }, (_, place) => [indexOf(place), said("x")] as const);

test("one that counts its chunks is told as it comes, once it is plain that it counts", () => {
  const whole = "x".repeat(HELD_CHUNKS_MAX);
  expect(sorted(...numbered(HELD_CHUNKS_MAX, (place) => place + 1))).toEqual([whole, ""]);
  expect(sorted(...numbered(HELD_CHUNKS_MAX + 1, (place) => place))).toEqual([`${whole}x`, ""]);
});

test("one under another number is told as it comes, where choice 0 has only thought", () => {
  const chunks = numbered(HELD_CHUNKS_MAX + 2, () => 1);
  expect(sorted([0, thought("Hmm")], ...chunks)).toEqual(["x".repeat(HELD_CHUNKS_MAX + 2), ""]);
  expect(sorted(...chunks.slice(0, 2))).toEqual(["", "xx"]);
});

test("a second one is not told, however much it says at once", () => {
  const second = numbered(HELD_CHUNKS_MAX * 2, () => 1);
  expect(sorted([0, said("One")], ...second, [0, said(" two")])).toEqual(["One two", ""]);
});

test("a first one that comes after so much of another is not mixed with it", () => {
  const [soon, late] = sorted(...numbered(HELD_CHUNKS_MAX, () => 1), [0, said("One")], [1, said("y")]);
  expect([soon, late]).toEqual([`${"x".repeat(HELD_CHUNKS_MAX)}y`, ""]);
});

test("no more is held back than an answer may have", () => {
  const sorter = createChoiceSorter(CHARS_MAX);
  const told = textIn(sorter.add(1, [said("x".repeat(CHARS_MAX + 1))], false));
  expect(told).toHaveLength(CHARS_MAX + 1);
});
