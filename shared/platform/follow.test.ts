import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { CollectionReference, Query, QueryDocumentSnapshot } from "./firestore.ts";
import { Timestamp } from "./firestore-values.ts";
import { CONFIRM_AFTER_MS, follow, REFRESH_AFTER_MS, wholeIndex } from "./follow.ts";

/** Firestore's side is played here, since a test has to say when what is heard was true. */

const STALE_MS_MAX = 300_000;
const BEGAN_MS = Date.parse("2026-11-29T12:00:00Z");
type Heard = Parameters<Query["onSnapshot"]>[0] extends infer Observer ? Observer : never;

interface Version {
  readonly id: string;
  readonly text: string;
  readonly writtenMs: number;
}

const documentOf = ({ id, text, writtenMs }: Version) =>
  ({ id, updateTime: Timestamp.fromMillis(writtenMs), get: () => text }) as unknown as QueryDocumentSnapshot;

function startFollowing() {
  const stored: Version[] = [];
  let isDown = false;
  let asked = 0;
  let hear: (snapshot: object) => void = () => undefined;
  const answer = async () => {
    asked += 1;
    if (isDown) throw new Error("Firestore is down.");
    return { docs: stored.map(documentOf), readTime: Timestamp.fromMillis(Date.now()) };
  };
  const query = {
    get: answer,
    onSnapshot: (next: Heard) => {
      hear = next as unknown as typeof hear;
      return () => undefined;
    },
  } as unknown as Query;
  const collection = { where: () => query } as unknown as CollectionReference;
  const upkeep = {
    run: <T>(work: () => T) => work(),
    onClose: () => undefined,
    close: async () => undefined,
  };
  const log = { error: () => undefined } as never;
  const index = wholeIndex((documents) => documents.map((document) => String(document.get("text"))).sort());
  const followed = follow({ upkeep, log }, collection, query, index);
  return {
    stored,
    read: () => followed.read(STALE_MS_MAX),
    onChange: followed.onChange,
    asked: () => asked,
    goDown: () => void (isDown = true),
    /** What the listener brings now, as it was then. */
    bring(trueMs: number, set: readonly Version[], removed: readonly string[] = []) {
      const changes = [
        ...set.map((version) => ({ type: "added", doc: documentOf(version) })),
        ...removed.map((id) => ({ type: "removed", doc: { id } })),
      ];
      hear({ docs: set.map(documentOf), readTime: Timestamp.fromMillis(trueMs), docChanges: () => changes });
    },
  };
}

const version = (text: string, writtenMs = Date.now(), id = text): Version => ({ id, text, writtenMs });

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date", "performance"] });
  vi.setSystemTime(BEGAN_MS);
});
afterEach(() => void vi.useRealTimers());

test("what a sleeping instance had buffered is not taken for news", async () => {
  const list = startFollowing();
  expect(await list.read()).toEqual([]);
  vi.advanceTimersByTime(3_600_000);
  list.stored.push(version("revoked"));
  // Said in the first second of the sleep, heard at its end.
  list.bring(BEGAN_MS + 1_000, []);
  expect(await list.read()).toEqual(["revoked"]);
});

test("a sleep is noticed by either clock", async () => {
  const list = startFollowing();
  await list.read();
  list.stored.push(version("revoked"));
  // The steady clock has stood still.
  vi.setSystemTime(BEGAN_MS + 3_600_000);
  expect(await list.read()).toEqual(["revoked"]);
});

test("a request waits for what is new only when nothing has been asked of late", async () => {
  const list = startFollowing();
  await list.read();
  vi.advanceTimersByTime(REFRESH_AFTER_MS + 1);
  list.stored.push(version("new"));
  expect(await list.read()).toEqual([]);
  await vi.waitFor(async () => expect(await list.read()).toEqual(["new"]));
  expect(list.asked()).toBe(2);
  vi.advanceTimersByTime(CONFIRM_AFTER_MS + 1);
  list.stored.push(version("newer"));
  expect(await list.read()).toEqual(["new", "newer"]);
});

test("while Firestore is down what is known goes on to be used, up to its bound", async () => {
  const list = startFollowing();
  list.stored.push(version("known"));
  await list.read();
  list.goDown();
  vi.advanceTimersByTime(STALE_MS_MAX - 1_000);
  expect(await list.read()).toEqual(["known"]);
  // Only the first has waited to find out.
  expect(await list.read()).toEqual(["known"]);
  vi.advanceTimersByTime(2_000);
  await expect(list.read()).rejects.toThrow("Firestore is down.");
});

test("changes are applied one by one, and an older state replaces no later one", async () => {
  const list = startFollowing();
  list.stored.push(version("a", BEGAN_MS + 2), version("b", BEGAN_MS + 2));
  await list.read();
  const heard: unknown[] = [];
  list.onChange((value) => heard.push(value));
  list.bring(BEGAN_MS + 1, [version("old a", BEGAN_MS, "a")]);
  list.bring(BEGAN_MS + 1, [], ["b"]);
  expect(await list.read()).toEqual(["a", "b"]);
  expect(heard).toEqual([]);
  list.bring(BEGAN_MS + 3, [version("new a", BEGAN_MS + 3, "a")], ["b"]);
  expect(await list.read()).toEqual(["new a"]);
  expect(heard).toEqual([["new a"]]);
});
