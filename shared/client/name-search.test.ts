import { expect, test } from "vitest";
import { NAME_QUERY_CHARS_MAX } from "../chat/contract.ts";
import { clientOf, createNetwork, openDesk, until } from "../testing/live-clients.ts";
import { startChat, usePeople, useSystem } from "../testing/use-system.ts";
import { NAME_CHARS_MAX } from "./name-search.ts";

const system = useSystem();
const [ada, bob] = usePeople(system, "ada@called.test", "bob@called.test");

test("people are looked for once the typing pauses, and no text finds all", async () => {
  const network = createNetwork();
  using desk = openDesk(clientOf(system, ada, { environment: network }));
  const search = desk.searchPeople();
  search.ask({ text: "" });
  await until(search, () => !search.isSearching);
  expect(search.found.data.map(({ id }) => id).sort()).toEqual([ada.id, bob.id].sort());
  for (const text of ["b", "bo", "bob "]) search.ask({ text });
  await until(search, () => !search.isSearching);
  expect(search.found.data.map(({ id }) => id)).toEqual([bob.id]);
  expect(network.requests.filter((name) => name.includes("q="))).toHaveLength(1);
});

test("chats are looked for among all, page by page, and no text finds none", async () => {
  for (let at = 0; at < 32; at += 1) await startChat(ada.api, { title: `Alike ${at}`, members: [bob] });
  using desk = openDesk(clientOf(system, bob));
  const search = desk.chats.search();
  search.ask({ text: "alike" });
  await until(search, () => !search.isSearching);
  expect([search.found.data.length, search.found.hasMore]).toEqual([20, true]);
  await search.loadMore();
  expect(new Set(search.found.data.map(({ title }) => title)).size).toBe(32);
  expect(search.found.hasMore).toBe(false);
  search.ask({ text: " ", filter: { archived: "true" } });
  expect([search.found.data, search.isSearching]).toEqual([[], false]);
  search.ask({ text: "alike", filter: { archived: "true" } });
  await until(search, () => !search.isSearching);
  expect(search.found.data).toEqual([]);
});

test("what is typed beyond the API's limit is cut off, and a failure is told", async () => {
  expect(NAME_CHARS_MAX).toBe(NAME_QUERY_CHARS_MAX);
  const network = createNetwork();
  using desk = openDesk(clientOf(system, ada, { environment: network }));
  const search = desk.searchPeople();
  search.ask({ text: "x".repeat(NAME_CHARS_MAX + 1) });
  await until(search, () => !search.isSearching);
  expect([search.error, search.found.data]).toEqual([undefined, []]);
  network.cut();
  search.ask({ text: "ada" });
  await until(search, () => !search.isSearching);
  expect(search.error).toBeInstanceOf(Error);
});
