import { afterAll, beforeAll, expect, test } from "vitest";
import { readCode, type System, startSystem } from "../testing/start-system.ts";
import { connect, type Desk } from "./connect.ts";
import type { MessageSearch } from "./message-search.ts";

let system: System;
let desk: Desk;
beforeAll(async () => {
  system = await startSystem();
  const client = connect({ url: system.url, app: "demo" });
  const challenge = await client.session.askForCode("ada@search-client.test");
  await system.settle();
  await client.session.signIn(challenge, readCode(system, "ada@search-client.test"));
  desk = client.open();
  const { number } = await client.api.post<{ number: number }>("/chats", { kind: "group" }, { key: "chat" });
  for (let index = 0; index < 25; index += 1) {
    const text = `Message ${index} about kites`;
    await client.api.post(`/chats/${number}/messages`, { text }, { key: `message-${index}` });
  }
  await system.settle();
});
afterAll(async () => {
  desk.close();
  await system[Symbol.asyncDispose]();
});

/** Resolves when nothing is being asked any more. */
const done = (search: MessageSearch): Promise<void> =>
  new Promise((resolve) => {
    const stop = search.on("change", () => {
      if (search.isSearching) return;
      stop();
      resolve();
    });
  });

test("what is shown answers the last that was typed, and further pages follow", async () => {
  const asked: string[] = [];
  const search = desk.search();
  search.on("change", () => asked.push(search.query));
  for (const text of ["k", "ki", "kit", "kites"]) search.type(text);
  expect([search.isSearching, search.hits]).toEqual([true, []]);
  await done(search);
  expect([search.hits.length, search.hasMore, search.isPartial]).toEqual([20, true, false]);
  await Promise.all([search.loadMore(), search.loadMore()]);
  expect([search.hits.length, search.hasMore]).toEqual([25, false]);
  search.type("message 7 kites");
  await done(search);
  expect(search.hits.map(({ message }) => message.text)).toContain("Message 7 about kites");
  search.type(" ");
  expect([search.hits, search.isSearching]).toEqual([[], false]);
  search.close();
});

test("a refusal is told, and the next search goes on", async () => {
  const search = desk.search();
  search.type("x".repeat(2_000));
  await done(search);
  expect(search.error).toMatchObject({ status: 400 });
  search.type("kites");
  await done(search);
  expect([search.error, search.hits.length]).toEqual([undefined, 20]);
});
