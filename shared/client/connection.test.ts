import { expect, test } from "vitest";
import { importFile } from "../testing/import-file.ts";
import { clientOf, createNetwork, openDesk, textsOf, until } from "../testing/live-clients.ts";
import { startChat, usePeople, useSystem } from "../testing/use-system.ts";
import { TRIES } from "./api.ts";
import { memoryStore } from "./environment.ts";
import { SILENCE_MS_MAX } from "./event-stream.ts";
import { MARK_MS } from "./marks.ts";

const system = useSystem();
const [ada] = usePeople(system, "ada@example.test");

const createChat = async (): Promise<number> =>
  (await startChat(ada.api, { model: "emulated-small" })).number;
const pathOf = (chat: number): string => `/v1/apps/demo/chats/${chat}/messages`;
const stored = async (chat: number): Promise<string[]> =>
  (await ada.api.get(`${pathOf(chat)}?after=0`)).body.data.map(({ text }: { text: string }) => text);

test("what is written offline waits, and arrives once and in order", async () => {
  const chat = await createChat();
  const network = createNetwork();
  using desk = openDesk(clientOf(system, ada, { environment: network }));
  const view = desk.openChat(chat);
  await view.loaded();
  network.cut();
  for (const text of ["One", "Two", "Three"]) view.send({ text });
  await until(view, () => view.connection === "waiting");
  expect(textsOf(view)).toEqual(["One…", "Two…", "Three…"]);
  network.restore();
  // The answer to the second is lost: it is sent again under its key.
  network.fail(/POST .*messages$/, "before");
  network.fail(/POST .*messages$/, "after");
  desk.wake();
  await until(view, () => view.drafts.length === 0);
  expect(textsOf(view)).toEqual(["One", "Two", "Three"]);
  expect(await stored(chat)).toEqual(["One", "Two", "Three"]);
});

test("what could not be sent is there after a reload, and is sent then", async () => {
  const chat = await createChat();
  const network = createNetwork();
  const store = memoryStore();
  const before = openDesk(clientOf(system, ada, { environment: network, store }));
  network.cut();
  before.openChat(chat).send({ text: "Kept" });
  before.close();
  expect(store.keys()).toHaveLength(1);
  using desk = openDesk(clientOf(system, ada, { store }));
  const view = desk.openChat(chat);
  await view.loaded();
  await until(view, () => view.drafts.length === 0 && view.messages.length === 1);
  expect(await stored(chat)).toEqual(["Kept"]);
  expect(store.keys()).toEqual([]);
});

test("a message that the server refuses fails, holds up none, and can be discarded", async () => {
  const chat = await createChat();
  using desk = openDesk(clientOf(system, ada));
  const view = desk.openChat(chat);
  await view.loaded();
  view.send({ text: "x".repeat(32_001) });
  view.send({ text: "Fine" });
  await until(view, () => view.messages.length === 1 && view.drafts[0]?.state === "failed");
  expect(view.drafts[0]?.error).toMatch(/text/);
  view.discard(view.drafts[0]?.key ?? "");
  expect(textsOf(view)).toEqual(["Fine"]);
});

test("a stream that breaks off is resumed on another instance, with every change once", async () => {
  const chat = await createChat();
  await using other = await system.anotherInstance();
  const network = createNetwork();
  let url = system.url;
  const environment = {
    ...network,
    fetch: (to: string, init?: RequestInit) => network.fetch(to.replace(system.url, url), init),
  };
  using desk = openDesk(clientOf(system, ada, { environment }));
  const view = desk.openChat(chat);
  const ids: string[] = [];
  view.on("event", ({ id, event }) => void (event.startsWith("message") && ids.push(String(id))));
  await view.loaded();
  await until(view, () => view.connection === "open");
  for (let round = 0; round < 6; round += 1) {
    await ada.api.post(pathOf(chat), { text: `Before ${round}` });
    await until(view, () => view.messages.length === 2 * round + 1);
    network.cut();
    await ada.api.post(pathOf(chat), { text: `Meanwhile ${round}` });
    url = round % 2 === 0 ? other.url : system.url;
    network.restore();
    view.wake();
    await until(view, () => view.messages.length === 2 * round + 2);
  }
  const { body } = await ada.api.get(`/v1/apps/demo/chats/${chat}`);
  expect(ids).toEqual(Array.from({ length: 12 }, (_, at) => String(body.revision - 11 + at)));
});

test("where no stream can be had, changes are asked for", async () => {
  const chat = await createChat();
  const network = createNetwork();
  using desk = openDesk(clientOf(system, ada, { environment: network }));
  for (let times = 0; times < 40; times += 1) network.fail(/\/events$/, "before");
  const view = desk.openChat(chat);
  await view.loaded();
  await ada.api.post(pathOf(chat), { text: "By another way" });
  await ada.api.patch(`/v1/apps/demo/chats/${chat}`, { title: "Renamed" });
  await until(view, () => view.messages.length === 2 && view.chat?.title === "Renamed");
  expect(network.requests.some((name) => /\/changes\?since=\d+/.test(name))).toBe(true);
});

test("a connection without a sign of life is given up", async () => {
  const chat = await createChat();
  const silences: (() => void)[] = [];
  const environment = {
    // The silence is over when the test says so; whatever else is waited for comes at once.
    after(ms: number, work: () => void) {
      if (ms === SILENCE_MS_MAX) return (silences.push(work), () => undefined);
      const timer = setTimeout(work);
      return () => clearTimeout(timer);
    },
  };
  using desk = openDesk(clientOf(system, ada, { environment }));
  const view = desk.openChat(chat);
  await view.loaded();
  await until(view, () => view.connection === "open");
  for (const end of silences.splice(0)) end();
  await until(view, () => view.connection !== "open");
  await until(view, () => view.connection === "open");
  expect(silences.length).toBeGreaterThan(0);
});

test("marks are told at most once in two seconds, typing once in three", async () => {
  const chat = await createChat();
  for (let at = 0; at < 5; at += 1) await system.operator.post(pathOf(chat), { text: "x" });
  const network = createNetwork();
  let nowMs = Date.now();
  const due: (() => void)[] = [];
  const environment = {
    ...network,
    now: () => nowMs,
    after(ms: number, work: () => void) {
      if (ms <= MARK_MS && ms > 1500) due.push(work);
      return () => undefined;
    },
  };
  using desk = openDesk(clientOf(system, ada, { environment }));
  const view = desk.openChat(chat);
  await view.loaded();
  const told = (): string[] => network.requests.filter((name) => /PUT .*\/read$|POST .*typing$/.test(name));
  for (const number of [1, 2, 3, 4]) view.markRead(number);
  for (let at = 0; at < 5; at += 1) view.typing();
  await expect.poll(() => due.length).toBe(1);
  expect(told()).toHaveLength(2);
  nowMs += MARK_MS;
  due[0]?.();
  view.typing();
  await expect.poll(told).toHaveLength(3);
  const read = async () => (await ada.api.get(`/v1/apps/demo/chats/${chat}/reads`)).body.data;
  await expect.poll(read).toEqual([{ user: ada.id, number: 4, delivered: 4 }]);
});

test("the list of chats follows what happens in any of them", async () => {
  const bob = await system.signIn("bob@example.test");
  using desk = openDesk(clientOf(system, ada));
  const list = desk.chats.list({ archived: false });
  await list.loadMore();
  const { body } = await bob.api.post("/v1/apps/demo/chats", { kind: "direct", members: [ada.id] });
  const find = () => list.chats.find(({ number }) => number === body.number);
  await until(list, () => find() !== undefined);
  for (const text of ["One", "Two"]) await bob.api.post(pathOf(body.number), { text });
  await until(list, () => find()?.latest?.text === "Two");
  expect(list.chats[0]).toMatchObject({ number: body.number, unreadCount: 2, messagesCount: 2 });
  const view = desk.openChat(body.number);
  await view.loaded();
  view.markRead(2);
  expect(find()?.unreadCount).toBe(0);
  await bob.api.delete(`${pathOf(body.number)}/2`);
  await until(list, () => find()?.latest?.text === "");
  await ada.api.patch(`/v1/apps/demo/chats/${body.number}`, { archived: true });
  await until(list, () => find() === undefined);
  await bob.api.post(pathOf(body.number), { text: "Three" });
  await until(list, () => find()?.unreadCount === 1);
  await bob.api.delete(`${pathOf(body.number)}/3`);
  await until(list, () => find()?.unreadCount === 0);
});

test("the list of chats shows what an import has brought, on further pages too", async () => {
  const cem = await system.signIn("cem@example.test");
  await startChat(cem.api, { texts: ["Here before"] });
  using desk = openDesk(clientOf(system, cem));
  const list = desk.chats.list();
  await list.loadMore();
  expect([list.chats.length, list.hasMore]).toEqual([1, false]);
  const rows = Array.from({ length: 40 }, (_, index) => `Trip ${index},Pack ${index},2024-01-01T10:00:00Z`);
  const bytes = Buffer.from(["chat,text,time", ...rows].join("\n"));
  await importFile(system, cem.api, { name: "trips.csv", type: "text/csv", bytes, dryRun: true });
  await importFile(system, cem.api, { name: "trips.csv", type: "text/csv", bytes });
  await until(list, () => list.hasMore);
  await list.loadMore();
  expect([list.chats.length, list.hasMore]).toEqual([41, false]);
  const titles = new Set(list.chats.map(({ title }) => title));
  expect([titles.has("Trip 0"), titles.has("Trip 39")]).toEqual([true, true]);
});

test("a removal that can't be confirmed at once is confirmed when the chat can be asked again", async () => {
  const bob = await system.signIn("removed@example.test");
  const { number, path } = await startChat(ada.api, { members: [bob] });
  const network = createNetwork();
  using desk = openDesk(clientOf(system, bob, { environment: { fetch: network.fetch, random: () => 0 } }));
  const list = desk.chats.list();
  await list.loadMore();
  expect(list.chats.map((chat) => chat.number)).toEqual([number]);
  const confirmation = new RegExp(`GET .*/chats/${number}$`);
  for (let times = 0; times < TRIES; times += 1) network.fail(confirmation, "before");
  await ada.api.delete(`${path}/members/${bob.id}`);
  await until(list, () => list.chats.length === 0);
  expect(network.requests.filter((name) => confirmation.test(name))).toHaveLength(TRIES + 1);
});
