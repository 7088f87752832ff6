import { beforeAll, expect, test } from "vitest";
import { clientOf, createNetwork, openDesk, until } from "../testing/live-clients.ts";
import { usePeople, useSystem } from "../testing/use-system.ts";
import type { ChatView } from "./chat-view.ts";

let chat: number;
const LINES = 130;
const system = useSystem();
const [ada] = usePeople(system, "ada@finds.test");
beforeAll(async () => {
  chat = (await ada.api.post("/v1/apps/demo/chats", { kind: "group", model: "emulated-small" })).body.number;
  const path = `/v1/apps/demo/chats/${chat}/messages`;
  const post = async (from: number, to: number): Promise<void> => {
    const lines = Array.from({ length: to - from + 1 }, (_, at) => `Line ${from + at}`);
    await Promise.all(lines.map((text) => ada.api.post(path, { text })));
  };
  // Those that are looked for stand in their places; the others within a run come in any order.
  await post(1, 19);
  await ada.api.post(path, { text: "A lighthouse at night" });
  await post(21, LINES - 1);
  await post(LINES, LINES);
  await system.settle();
});

test("a search is asked once the typing pauses, and what is outdated has no say", async () => {
  const network = createNetwork();
  using desk = openDesk(clientOf(system, ada, { environment: network }));
  const search = desk.openSearch();
  for (const text of ["l", "li", "lig", "light", "lighth"]) search.ask({ text });
  expect(search.isSearching).toBe(true);
  await until(search, () => !search.isSearching);
  expect(search.asked.text).toBe("lighth");
  const [hit] = search.hits;
  expect(hit).toMatchObject({ chat, message: { number: 20 }, snippet: "A lighthouse at night" });
  expect(hit?.highlights.map(({ start, end }) => hit.message.text.slice(start, end))).toEqual(["lighth"]);
  expect([search.isPartial, search.hasMore, search.error]).toEqual([false, false, undefined]);
  expect(network.requests.filter((name) => name.includes("/search?"))).toHaveLength(1);
  search.ask({ text: "  " });
  expect([search.hits, search.isSearching]).toEqual([[], false]);
});

test("hits are of one chat where that is asked for, and come page by page", async () => {
  using desk = openDesk(clientOf(system, ada));
  const search = desk.openSearch();
  search.ask({ text: "line", chat });
  await until(search, () => search.hits.length > 0);
  const first = search.hits.length;
  expect(search.hasMore).toBe(true);
  await search.loadMore();
  expect(search.hits.length).toBeGreaterThan(first);
  expect(new Set(search.hits.map(({ message }) => message.number)).size).toBe(search.hits.length);
  search.ask({ text: "line", chat: chat + 1 });
  await until(search, () => !search.isSearching);
  expect(search.hits).toEqual([]);
});

test("where the index can't be asked there are recent messages, and that they are not all is known", async () => {
  using desk = openDesk(clientOf(system, ada));
  const search = desk.openSearch();
  system.fault({
    service: "firestore",
    method: "RunQuery",
    match: `${system.project}/databases/(default)/documents/apps/demo`,
    kind: "hang",
  });
  search.ask({ text: `Line ${LINES}` });
  await until(search, () => !search.isSearching);
  system.clearFaults();
  expect([search.isPartial, search.hits[0]?.message.number, search.error]).toEqual([true, LINES, undefined]);
});

test("a search that fails says why", async () => {
  const network = createNetwork();
  using desk = openDesk(clientOf(system, ada, { environment: network }));
  const search = desk.openSearch();
  search.ask({ text: "x".repeat(501) });
  await until(search, () => !search.isSearching);
  expect(search.error).toMatchObject({ status: 400 });
});

const numbersOf = (view: ChatView): number[] => view.messages.map(({ number }) => number);

test("a message far back is visited with what stands around it, without reading all between", async () => {
  const network = createNetwork();
  using desk = openDesk(clientOf(system, ada, { environment: network }));
  const view = desk.openChat(chat);
  await view.loaded();
  await view.visit({ number: 20, branch: "main" });
  expect(view.isAway).toBe(true);
  expect(numbersOf(view)).toContain(20);
  expect(numbersOf(view).length).toBeLessThan(50);
  expect(network.requests.filter((name) => name.includes("/messages?"))).toHaveLength(2);
  while (view.hasOlder) await view.loadOlder();
  expect(numbersOf(view)[0]).toBe(1);
  view.return();
  expect([view.isAway, numbersOf(view).at(-1)]).toEqual([false, LINES]);
  expect(numbersOf(view)[0]).toBeGreaterThan(20);
});

test("who goes on from what is visited comes back to the end, without a hole", async () => {
  using desk = openDesk(clientOf(system, ada));
  const view = desk.openChat(chat);
  await view.loaded();
  await view.visit({ number: 20, branch: "main" });
  while (view.isAway) await view.loadNewer();
  const numbers = numbersOf(view);
  expect(numbers).toEqual(numbers.map((_, at) => at + (numbers[0] ?? 0)));
  expect(numbers.at(-1)).toBe(LINES);
  expect(numbers).toContain(20);
});

test("what is visited on another branch leaves the active one as it is", async () => {
  using desk = openDesk(clientOf(system, ada));
  const view = desk.openChat((await desk.chats.create({ kind: "group", model: "emulated-small" })).number);
  await view.loaded();
  for (const text of ["Root", "Left", "Left again"]) {
    view.send({ text });
    await until(view, () => view.drafts.length === 0);
  }
  view.send({ text: "Right", after: 1 });
  await until(view, () => numbersOf(view).join() === "1,4");
  await view.visit({ number: 3, branch: "main" });
  expect([numbersOf(view), view.isAway, view.chat?.activeBranch]).toEqual([[1, 2, 3], true, "b4"]);
  view.send({ text: "Right again" });
  await until(view, () => view.drafts.length === 0 && numbersOf(view).join() === "1,4,5");
});
