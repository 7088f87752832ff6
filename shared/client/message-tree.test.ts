import { expect, test } from "vitest";
import type { Message } from "../chat/contract.ts";
import { seededRandom } from "../testing/seeded-random.ts";
import { createMessageTree } from "./message-tree.ts";

const message = (number: number, parent: number | null, more: Partial<Message> = {}): Message => ({
  id: `id${number}`,
  number,
  revision: number,
  branch: "main",
  parent,
  sender: { id: "ada" },
  role: "user",
  text: `${number}`,
  parts: [],
  status: "complete",
  reactions: {},
  createdAt: "2026-01-01T00:00:00.000Z",
  ...more,
});

test("the version of the highest revision stays, whatever the order", () => {
  const versions = [1, 5, 9, 12].map((revision) => message(1, null, { revision, text: `r${revision}` }));
  const random = seededRandom(7);
  for (let round = 0; round < 50; round += 1) {
    const tree = createMessageTree();
    for (const version of versions.toSorted(() => random() - 0.5)) tree.take([version]);
    expect(tree.get(1)?.text).toBe("r12");
  }
});

test("a version of an equal revision changes nothing", () => {
  const tree = createMessageTree();
  tree.take([message(1, null, { text: "known" })]);
  expect(tree.take([message(1, null, { text: "composed later" })])).toEqual({ fresh: [], isChanged: false });
});

test("a path ends where a message is missing, and says which", () => {
  const tree = createMessageTree();
  tree.take([message(5, 4), message(4, 3), message(2, 1)]);
  expect(tree.path("main")).toMatchObject({ messages: [{ number: 4 }, { number: 5 }], before: 3 });
  tree.take([message(3, 2), message(1, null)]);
  expect(tree.path("main").messages.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5]);
  expect(tree.path("main").before).toBeUndefined();
});

test("branches are known by their first messages, and siblings by whom they follow", () => {
  const tree = createMessageTree();
  tree.take([
    message(1, null),
    message(2, 1),
    message(3, 1, { branch: "b3" }),
    message(4, 3, { branch: "b3" }),
  ]);
  tree.take([message(5, 1, { branch: "b5" }), message(6, 4, { branch: "b3" })]);
  expect(tree.siblingsOf(5)).toEqual([2, 3, 5]);
  expect(tree.path("b3").messages.map(({ number }) => number)).toEqual([1, 3, 4, 6]);
  expect(tree.latestThrough(3)).toBe("b3");
  expect(tree.latestThrough(4)).toBe("b3");
});

test("through a message the branch that was continued last leads", () => {
  const tree = createMessageTree();
  tree.take([message(1, null), message(2, 1), message(3, 2)]);
  tree.take([
    message(4, 1, { branch: "b4" }),
    message(5, 4, { branch: "b4" }),
    message(6, 5, { branch: "b4" }),
  ]);
  tree.take([message(7, 4, { branch: "b7" }), message(8, 2, { branch: "b8" })]);
  expect(tree.latestThrough(4)).toBe("b7");
  expect(tree.latestThrough(5)).toBe("b4");
  expect(tree.latestThrough(2)).toBe("b8");
});
