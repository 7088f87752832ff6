import { expect, test } from "vitest";
import { seededRandom } from "../../testing/seeded-random.ts";
import { type ChatHead, unreadCount } from "../log/head.ts";
import { withSilent } from "../log/silent.ts";
import { SILENT_RUNS_NOTED_MAX, unreadAsNoted, unreadIn } from "./noted-unread.ts";

const headWith = (lastNumber: number, silent: readonly number[]): ChatHead =>
  ({ lastNumber, silent, sent: {}, joined: {} }) as unknown as ChatHead;

test("a note counts right for whoever has read further since", () => {
  const random = seededRandom(1);
  for (let round = 0; round < 200; round += 1) {
    let silent: readonly number[] = [];
    const last = 1 + Math.floor(random() * 40);
    for (let number = 1; number <= last; number += 1) {
      if (random() < 0.4) silent = withSilent(silent, number);
    }
    const head = headWith(last, silent);
    for (let noted = 0; noted <= last; noted += 1) {
      const note = unreadIn(head, "ada", noted);
      for (let read = noted; read <= last; read += 1) {
        expect(unreadAsNoted(note, read)).toBe(unreadCount(head, "ada", read));
      }
    }
  }
});

test("a note stays short, and then says too much rather than too little", () => {
  let silent: readonly number[] = [];
  for (let run = 1; run <= 100; run += 1) silent = withSilent(silent, 2 * run);
  const head = headWith(201, silent);
  const note = unreadIn(head, "ada", 0);
  expect(note.silent).toHaveLength(2 * SILENT_RUNS_NOTED_MAX);
  for (let read = 0; read <= 201; read += 1) {
    expect(unreadAsNoted(note, read)).toBeGreaterThanOrEqual(unreadCount(head, "ada", read));
  }
  expect(unreadAsNoted(note, 170)).toBe(unreadCount(head, "ada", 170));
});
