import { beforeEach, describe, expect, test } from "vitest";
import type { Person } from "../../../shared/testing/start-system.ts";
import { settleRounds, startChat, useSystem } from "../../../shared/testing/use-system.ts";

const notifications = "/v1/apps/demo/notifications";
const chats = "/v1/apps/demo/chats";

interface Item {
  readonly id: string;
  readonly message: number;
  readonly createdAt: string;
  readonly read: boolean;
}

let ada: Person;
let bob: Person;
let people = 0;

/** Two who know nothing of the tests before. */
async function newPair(): Promise<void> {
  people += 1;
  ada = await system.signIn(`ada-${people}@example.test`);
  bob = await system.signIn(`bob-${people}@example.test`);
}
const system = useSystem();
beforeEach(newPair);

const newGroup = async (): Promise<number> => (await startChat(ada.api, { members: [bob] })).number;

async function post(by: Person, chat: number, text: string): Promise<void> {
  expect((await by.api.post(`${chats}/${chat}/messages`, { text })).status).toBe(201);
}

const list = async (of: Person, query = ""): Promise<Item[]> => {
  const { status, body } = await of.api.get(`${notifications}${query}`);
  expect(status).toBe(200);
  return body.data;
};

describe("reading", () => {
  test("a chat reads its notifications, and writing in it does too", async () => {
    const chat = await newGroup();
    await post(ada, chat, "One");
    await post(ada, chat, "Two");
    await settleRounds(system);
    const reads = async () => (await list(bob)).map(({ message, read }) => [message, read]);
    expect(await reads()).toEqual([
      [2, false],
      [1, false],
    ]);
    await bob.api.put(`${chats}/${chat}/read`, { number: 1 });
    expect(await reads()).toEqual([
      [2, false],
      [1, true],
    ]);
    await post(bob, chat, "Three");
    expect(await reads()).toEqual([
      [2, true],
      [1, true],
    ]);
  });

  test("the list marks all until a notification or a time, for good, and none to come", async () => {
    const chat = await newGroup();
    for (const text of ["One", "Two"]) {
      await post(ada, chat, text);
      await settleRounds(system);
    }
    const put = async (body: object) => (await bob.api.put(`${notifications}/read`, body)).status;
    expect(await put({ through: `${chat}.1` })).toBe(204);
    expect((await list(bob)).map(({ read }) => read)).toEqual([false, true]);
    expect(await put({ through: "2099-01-01T00:00:00Z" })).toBe(204);
    expect(await put({ through: "2020-01-01T00:00:00Z" })).toBe(204);
    expect((await list(bob)).map(({ read }) => read)).toEqual([true, true]);
    system.suite.kernel.clock.advance(1_000);
    await post(ada, chat, "Three");
    await settleRounds(system);
    expect((await list(bob)).map(({ read }) => read)).toEqual([false, true, true]);
    expect((await bob.api.get(`${chats}/${chat}`)).body.unreadCount).toBe(3);
  });

  test("what is no notification of one's own is refused", async () => {
    const foreign = (await ada.api.post(chats, { kind: "group" })).body.number;
    await post(ada, foreign, "Private");
    const put = async (body: object) => (await bob.api.put(`${notifications}/read`, body)).status;
    for (const through of [`${foreign}.1`, "999999.1", "0.1", "yesterday", 5]) {
      expect(await put({ through })).toBe(400);
    }
    expect(await put({})).toBe(400);
    expect(await put({ through: "2026-01-01T00:00:00Z", extra: 1 })).toBe(400);
  });
});

describe("the list", () => {
  test("pages through every notification once, over chats, from the latest on", async () => {
    const [one, two] = [await newGroup(), await newGroup()];
    for (let round = 0; round < 3; round += 1) {
      for (const chat of [one, two]) await post(ada, chat, `Round ${round}`);
      await post(ada, two, "And more");
      await settleRounds(system);
    }
    const all = await list(bob);
    expect(all).toHaveLength(9);
    const times = all.map(({ createdAt }) => createdAt);
    expect(times.filter((time, index) => index > 0 && time > (times[index - 1] ?? "")).length).toBeLessThan(
      4,
    );
    const paged: Item[] = [];
    let cursor = "";
    do {
      const { body } = await bob.api.get(`${notifications}?limit=2${cursor}`);
      paged.push(...body.data);
      cursor = body.hasMore ? `&cursor=${body.next}` : "";
    } while (cursor !== "");
    expect(paged.map(({ id }) => id)).toEqual(all.map(({ id }) => id));
  });

  test("since a time shows what was written after it", async () => {
    const chat = await newGroup();
    for (const text of ["One", "Two", "Three", "Four"]) {
      await post(ada, chat, text);
      await settleRounds(system);
    }
    const all = await list(bob);
    const since = all[2]?.createdAt ?? "";
    const newer = await list(bob, `?since=${since}`);
    expect(newer.map(({ id }) => id)).toEqual(
      all.filter(({ createdAt }) => createdAt > since).map(({ id }) => id),
    );
    expect(await list(bob, "?since=2099-01-01T00:00:00Z")).toEqual([]);
  });

  test("costs a read for each document, chat and message, and one for the marks", async () => {
    const chat = await newGroup();
    for (const text of ["One", "Two"]) {
      await post(ada, chat, text);
      await settleRounds(system);
    }
    const cost = await system.meterRequest(() => list(bob));
    expect(cost.billed).toEqual({ reads: 2 + 1 + 2 + 1, writes: 0, deletes: 0 });
  });

  test("refuses what it does not know, and another's cursor", async () => {
    for (const query of ["?since=yesterday", "?limit=0", "?limit=101", "?chat=1", "?cursor=x.y"]) {
      expect((await bob.api.get(`${notifications}${query}`)).status).toBe(400);
    }
    const chat = await newGroup();
    for (const text of ["One", "Two"]) await post(ada, chat, text);
    await settleRounds(system);
    const { body } = await bob.api.get(`${notifications}?limit=1`);
    expect((await ada.api.get(`${notifications}?limit=1&cursor=${body.next}`)).status).toBe(400);
    expect((await system.client().get(notifications)).status).toBe(401);
  });

  test("shows nothing of a chat that one has left", async () => {
    const chat = await newGroup();
    await post(ada, chat, "Secret");
    await settleRounds(system);
    await ada.api.delete(`${chats}/${chat}/members/${bob.id}`);
    expect(await list(bob)).toEqual([]);
  });
});
