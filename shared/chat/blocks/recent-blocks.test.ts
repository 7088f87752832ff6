import { expect, test } from "vitest";
import type { ChatHandle } from "../chat-handle.ts";
import { encodeEntries, type Entry, TAIL_MESSAGES_MAX } from "./block.ts";
import type { Newest } from "./read-blocks.ts";
import { createRecentBlocks, USES_MIN } from "./recent-blocks.ts";

const chat = (number: number): ChatHandle => ({ ref: { path: `chats/${number}` } }) as ChatHandle;
const entries = (count: number): Entry[] =>
  Array.from({ length: count }, (_, index) => ({
    number: index + 1,
    revision: index + 1,
    branch: "main",
    id: `${index}`,
    rest: "{}",
  }));
const newest = (change: Partial<Newest> = {}): Newest => ({
  revision: 100,
  tailRevision: 100,
  sealed: 2,
  sealedRevision: 90,
  entries: [],
  old: [],
  bytes: 40,
  ...change,
});

const BLOCK = encodeEntries(entries(4));
const bytes = BLOCK.byteLength;

test("what was asked for the longest ago is forgotten when there are too many bytes", () => {
  const recent = createRecentBlocks({ tails: 100, sealed: 2 * bytes });
  for (const number of [1, 2]) recent.keep(chat(number), newest());
  recent.get(chat(1));
  recent.keep(chat(3), newest());
  expect([1, 2, 3].map((number) => recent.get(chat(number)) !== undefined)).toEqual([true, false, true]);
  for (const block of [1, 2]) recent.keepSealed(chat(1), block, newest(), BLOCK);
  recent.getSealed(chat(1), 1, newest());
  recent.keepSealed(chat(2), 1, newest(), BLOCK);
  expect(recent.hasSealed(chat(1), 1, newest())).toBe(true);
  expect(recent.hasSealed(chat(1), 2, newest())).toBe(false);
  expect(recent.hasSealed(chat(2), 1, newest())).toBe(true);
});

test("what is larger than all that may be remembered is not", () => {
  const recent = createRecentBlocks({ tails: 100, sealed: bytes - 1 });
  recent.keep(chat(1), newest({ bytes: 101 }));
  recent.keepSealed(chat(1), 1, newest(), BLOCK);
  expect(recent.get(chat(1))).toBeUndefined();
  expect(recent.getSealed(chat(1), 1, newest())).toBeUndefined();
});

test("a sealed block counts until a tail knows of a later change in any of them", () => {
  const recent = createRecentBlocks();
  recent.keepSealed(chat(1), 1, newest({ tailRevision: 90 }), BLOCK);
  expect(recent.getSealed(chat(1), 1, newest({ sealedRevision: 90 }))).toEqual(entries(4));
  expect(recent.getSealed(chat(1), 1, newest({ sealedRevision: 91 }))).toBeUndefined();
  expect(recent.hasSealed(chat(1), 1, newest({ sealedRevision: 91 }))).toBe(false);
});

test("a block that is asked for often stays taken apart, until it is read anew", () => {
  const recent = createRecentBlocks();
  const get = () => recent.getSealed(chat(1), 1, newest());
  recent.keepSealed(chat(1), 1, newest(), BLOCK);
  const seen = Array.from({ length: USES_MIN + 1 }, get);
  expect(seen[0]).not.toBe(seen[1]);
  expect(seen[USES_MIN]).toBe(seen[USES_MIN - 1]);
  recent.keepSealed(chat(1), 1, newest(), encodeEntries(entries(2)));
  expect(get()).toEqual(entries(2));
});

test("no more blocks stay taken apart than may", () => {
  const recent = createRecentBlocks({ apart: bytes });
  const often = (block: number) =>
    Array.from({ length: USES_MIN }, () => recent.getSealed(chat(1), block, newest())).at(-1);
  for (const block of [1, 2]) recent.keepSealed(chat(1), block, newest(), BLOCK);
  const first = often(1);
  expect(recent.getSealed(chat(1), 1, newest())).toBe(first);
  often(2);
  expect(recent.getSealed(chat(1), 1, newest())).not.toBe(first);
});

test("an older state of a tail takes no newer one's place, and one that has grown long is read anew", () => {
  const recent = createRecentBlocks();
  recent.keep(chat(1), newest({ revision: 100 }));
  recent.keep(chat(1), newest({ revision: 99 }));
  expect(recent.get(chat(1))?.revision).toBe(100);
  recent.keep(chat(1), newest({ revision: 101, entries: entries(2 * TAIL_MESSAGES_MAX + 1) }));
  expect(recent.get(chat(1))).toBeUndefined();
});
