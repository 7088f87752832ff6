import { expect, test } from "vitest";
import { clientOf, createNetwork, openDesk, until } from "../testing/live-clients.ts";
import { startChat, usePeople, useSystem } from "../testing/use-system.ts";
import type { ChatView } from "./chat-view.ts";
import { memoryStore, platformEnvironment } from "./environment.ts";
import { PAUSE_MS, TYPING_MS } from "./unsent-text.ts";

const system = useSystem();
const [ada] = usePeople(system, "ada@example.test");

/** Typing pauses at once, and whoever typed is still typing. */
const hasty = {
  after: (ms: number, work: () => void) => platformEnvironment.after(ms === PAUSE_MS ? 0 : ms, work),
};
const stored = async (chat: number): Promise<string> =>
  (await ada.api.get(`/v1/apps/demo/chats/${chat}`)).body.draft?.text ?? "";
const told = (view: ChatView): Promise<string> => new Promise((resolve) => view.on("unsent", resolve));

test("text begun on one device is there on another, whole, and goes when it is sent", async () => {
  const { number } = await startChat(ada.api, {});
  using desk = openDesk(clientOf(system, ada, { environment: hasty }));
  using other = openDesk(clientOf(system, ada));
  const [mine, theirs] = [desk.openChat(number), other.openChat(number)];
  await Promise.all([mine.loaded(), theirs.loaded()]);
  await until(theirs, () => theirs.connection === "open");
  const text = "Begun ".repeat(100).trim();
  let coming = told(theirs);
  mine.unsent.write(text);
  expect(await coming).toBe(text);
  expect(theirs.unsent.text).toBe(text);
  using late = openDesk(clientOf(system, ada));
  const view = late.openChat(number);
  await view.loaded();
  expect(view.unsent.text).toBe(text);
  coming = told(theirs);
  mine.send({ text });
  expect(mine.unsent.text).toBe("");
  expect(await coming).toBe("");
  await expect.poll(() => stored(number)).toBe("");
});

test("text begun in a thread is there on another device, whole and live, and apart from the chat's", async () => {
  const { path, number } = await startChat(ada.api, { texts: ["Root", "Another"] });
  using desk = openDesk(clientOf(system, ada, { environment: hasty }));
  using other = openDesk(clientOf(system, ada));
  const [view, theirs] = [desk.openChat(number), other.openChat(number)];
  const [mine, watched] = [view.openThread(1), theirs.openThread(1)];
  await Promise.all([mine.loaded(), watched.loaded(), view.loaded(), theirs.loaded()]);
  await until(theirs, () => theirs.connection === "open");
  const text = "Begun ".repeat(100).trim();
  let coming = told(watched);
  mine.unsent.write(text);
  expect(await coming).toBe(text);
  expect([view.unsent.text, theirs.unsent.text, theirs.openThread(2).unsent.text]).toEqual(["", "", ""]);
  using late = openDesk(clientOf(system, ada));
  const third = late.openChat(number).openThread(1);
  coming = told(third);
  expect(await coming).toBe(text);
  coming = told(watched);
  mine.send({ text });
  expect([mine.unsent.text, await coming]).toEqual(["", ""]);
  await expect.poll(async () => (await ada.api.get(`${path}/messages/1/thread`)).body.draft).toBeUndefined();
});

test("text begun in a thread without a network outlives a reload", async () => {
  const { path, number } = await startChat(ada.api, { texts: ["Root"] });
  const network = createNetwork();
  const store = memoryStore();
  const away = openDesk(clientOf(system, ada, { environment: network, store }));
  const before = away.openChat(number).openThread(1);
  await before.loaded();
  network.cut();
  before.unsent.write("In the tunnel");
  before.close();
  away.close();
  using desk = openDesk(clientOf(system, ada, { environment: hasty, store }));
  const thread = desk.openChat(number).openThread(1);
  expect(thread.unsent.text).toBe("In the tunnel");
  const kept = async () => (await ada.api.get(`${path}/messages/1/thread`)).body.draft?.text;
  await expect.poll(kept).toBe("In the tunnel");
  await expect.poll(() => store.keys()).toEqual([]);
});

test("what is being typed is not overwritten, and whoever types last has the last word", async () => {
  const { number } = await startChat(ada.api, {});
  using desk = openDesk(clientOf(system, ada, { environment: hasty }));
  const view = desk.openChat(number);
  await view.loaded();
  const heard: string[] = [];
  view.on("unsent", (text) => heard.push(text));
  view.unsent.write("Mine");
  await expect.poll(() => stored(number)).toBe("Mine");
  await ada.api.put(`/v1/apps/demo/chats/${number}/draft`, { text: "Theirs" });
  await until(desk, () => desk.chats.get(number)?.draft?.text === "Theirs");
  expect([view.unsent.text, heard]).toEqual(["Mine", []]);
  view.unsent.write("Mine, still");
  await expect.poll(() => stored(number)).toBe("Mine, still");
  expect(heard).toEqual([]);
});

test("once nobody types here any more, what was written elsewhere comes in", async () => {
  const { number } = await startChat(ada.api, {});
  let nowMs = 0;
  const due: (() => void)[] = [];
  const environment = {
    now: () => Date.now() + nowMs,
    after(ms: number, work: () => void) {
      if (ms > PAUSE_MS && ms <= TYPING_MS) due.push(work);
      return ms > PAUSE_MS && ms <= TYPING_MS ? () => undefined : hasty.after(ms, work);
    },
  };
  using desk = openDesk(clientOf(system, ada, { environment }));
  const view = desk.openChat(number);
  await view.loaded();
  view.unsent.write("Mine");
  await expect.poll(() => stored(number)).toBe("Mine");
  await until(desk, () => desk.chats.get(number)?.draft?.text === "Mine");
  await ada.api.put(`/v1/apps/demo/chats/${number}/draft`, { text: "Theirs" });
  await until(desk, () => desk.chats.get(number)?.draft?.text === "Theirs");
  const coming = told(view);
  nowMs += TYPING_MS;
  for (const work of due) work();
  expect(await coming).toBe("Theirs");
});

test("text written without a network outlives a reload, and leaving with it tells the server", async () => {
  const { number } = await startChat(ada.api, {});
  const network = createNetwork();
  const store = memoryStore();
  const away = openDesk(clientOf(system, ada, { environment: network, store }));
  const before = away.openChat(number);
  await before.loaded();
  network.cut();
  before.unsent.write("In the tunnel");
  away.close();
  expect(store.keys()).toHaveLength(1);
  const desk = openDesk(clientOf(system, ada, { environment: hasty, store }));
  const view = desk.openChat(number);
  expect(view.unsent.text).toBe("In the tunnel");
  await view.loaded();
  await expect.poll(() => stored(number)).toBe("In the tunnel");
  await expect.poll(() => store.keys()).toEqual([]);
  view.unsent.write("Out of it");
  desk.close();
  await expect.poll(() => stored(number)).toBe("Out of it");
});

test("nothing of it is left here once the person has signed out", async () => {
  const { number } = await startChat(ada.api, {});
  const store = memoryStore();
  const client = clientOf(system, await system.signIn("leaves@example.test"), { store });
  using desk = openDesk(client);
  desk.openChat(number).unsent.write("Secret");
  expect(store.keys()).toHaveLength(1);
  await client.session.signOut();
  expect(store.keys()).toEqual([]);
});
