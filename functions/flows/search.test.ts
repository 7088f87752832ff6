import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Person, type System, startSystem } from "../../shared/testing/start-system.ts";

let system: System;
let ada: Person;
let bob: Person;
beforeAll(async () => {
  system = await startSystem();
  ada = await system.signIn("ada@search.test");
  bob = await system.signIn("bob@search.test");
});
afterAll(() => system[Symbol.asyncDispose]());

const chats = "/v1/apps/demo/chats";

async function groupOf(...members: Person[]): Promise<number> {
  const { body } = await ada.api.post(chats, { kind: "group", members: members.map(({ id }) => id) });
  return body.number;
}

async function post(person: Person, chat: number, ...texts: string[]): Promise<void> {
  for (const text of texts)
    expect((await person.api.post(`${chats}/${chat}/messages`, { text })).status).toBe(201);
}

type Parameters = Readonly<Record<string, string | number>>;

async function search(person: Person, q: string, more: Parameters = {}) {
  const query = new URLSearchParams({
    q,
    ...Object.fromEntries(Object.entries(more).map(([k, v]) => [k, String(v)])),
  });
  const { status, body } = await person.api.get(`/v1/apps/demo/search?${query}`);
  expect(status).toBe(200);
  return body as {
    data: { message: { text: string; number: number }; chat: number; score: number; highlights: object[] }[];
    hasMore: boolean;
    next: string | null;
    partial: boolean;
  };
}

const textsOf = async (person: Person, q: string, more: Parameters = {}): Promise<string[]> =>
  (await search(person, q, more)).data.map(({ message }) => message.text);

describe("a message is found", () => {
  test("by any part of any word, in any language", async () => {
    const chat = await groupOf();
    const texts = [
      "Hello, wonderful world",
      "東京都に住んでいます",
      "Ein Café in der Straße",
      "안녕하세요 여러분",
      "👍 great",
    ];
    await post(ada, chat, ...texts);
    await system.settle();
    for (const [query, index] of [
      ["h", 0],
      ["hel", 0],
      ["derf", 0],
      ["wor hel", 0],
      ["東", 1],
      ["京都", 1],
      ["cafe", 2],
      ["STRASSE", 2],
      ["녕하", 3],
      ["👍", 4],
    ] as const) {
      expect(await textsOf(ada, query, { chat }), query).toContain(texts[index]);
      expect(await textsOf(ada, query), query).toContain(texts[index]);
    }
    expect(await textsOf(ada, '"wonderful world"')).toEqual([texts[0]]);
    expect(await textsOf(ada, '"world wonderful"')).toEqual([]);
    expect(await textsOf(ada, "wonderfull")).toEqual([texts[0]]);
  });
});

test("nobody finds what is said in chats that they are not in, from the moment on that they are not", async () => {
  const chat = await groupOf(bob);
  await post(ada, chat, "Confidential zeppelin");
  await system.settle();
  expect(await textsOf(bob, "zeppelin")).toHaveLength(1);
  await ada.api.delete(`${chats}/${chat}/members/${bob.id}`);
  expect(await textsOf(bob, "zeppelin")).toEqual([]);
  await system.settle();
  expect(await textsOf(bob, "zeppelin")).toEqual([]);
  expect(await textsOf(ada, "zeppelin")).toHaveLength(1);
  expect((await bob.api.get(`/v1/apps/demo/search?q=zeppelin&chat=${chat}`)).status).toBe(404);
});
