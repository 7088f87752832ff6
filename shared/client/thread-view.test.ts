import { expect, test } from "vitest";
import { clientOf, openDesk, textsOf, until } from "../testing/live-clients.ts";
import { usePeople, useSystem } from "../testing/use-system.ts";

const system = useSystem();
const [ada, bob] = usePeople(system, "ada@example.test", "bob@example.test");

test("a thread shows what replies to its first message, page by page and live, and is replied to", async () => {
  const { body } = await ada.api.post("/v1/apps/demo/chats", { kind: "group", members: [bob.id] });
  const path = `/v1/apps/demo/chats/${body.number}/messages`;
  await ada.api.post(path, { text: "Root" });
  for (let from = 1; from <= 60; from += 20) {
    await Promise.all(
      Array.from({ length: 20 }, (_, at) => ada.api.post(path, { text: `Reply ${from + at}`, replyTo: 1 })),
    );
  }
  for (let at = 0; at < 3; at += 1) await ada.api.post(path, { text: "Elsewhere" });
  const last = 61 + 3;
  using desk = openDesk(clientOf(system, bob));
  const view = desk.openChat(body.number);
  await view.loaded();
  const thread = view.openThread(1);
  await thread.loaded();
  expect(thread.messages.map(({ number }) => number)).toEqual([1, ...range(12, 61)]);
  expect(thread.hasOlder).toBe(true);
  await thread.loadOlder();
  expect([thread.messages.length, thread.hasOlder]).toEqual([61, false]);
  thread.send({ text: "Mine" });
  expect(textsOf(thread).at(-1)).toBe("Mine…");
  await until(thread, () => thread.drafts.length === 0);
  expect(thread.message(last + 1)).toMatchObject({ text: "Mine", thread: 1 });
  await ada.api.post(path, { text: "And theirs", replyTo: 20 });
  await until(thread, () => textsOf(thread).at(-1) === "And theirs");
  await until(view, () => view.message(1)?.replies?.count === 62);
  await thread.edit(last + 1, "Mine, edited");
  expect(textsOf(thread).at(-2)).toBe("Mine, edited");
  thread.close();
});

test("a thread that is read is read on the server too", async () => {
  const { body } = await ada.api.post("/v1/apps/demo/chats", { kind: "group", members: [bob.id] });
  const path = `/v1/apps/demo/chats/${body.number}/messages`;
  await ada.api.post(path, { text: "Root" });
  await ada.api.post(path, { text: "Reply", replyTo: 1 });
  const unread = async (): Promise<number> => (await bob.api.get(`${path}/1/thread`)).body.unreadCount;
  using desk = openDesk(clientOf(system, bob));
  const view = desk.openChat(body.number);
  const thread = view.openThread(1);
  await thread.loaded();
  expect(await unread()).toBe(1);
  thread.markRead(2);
  await expect.poll(unread).toBe(0);
  expect(desk.chats.get(body.number)?.unreadCount).toBe(2);
});

test("a pin shows at once, and then to everybody in the chat", async () => {
  const { body } = await ada.api.post("/v1/apps/demo/chats", { kind: "group", members: [bob.id] });
  const path = `/v1/apps/demo/chats/${body.number}/messages`;
  await ada.api.post(path, { text: "Keep this" });
  using mine = openDesk(clientOf(system, ada));
  using theirs = openDesk(clientOf(system, bob));
  const [view, other] = [mine.openChat(body.number), theirs.openChat(body.number)];
  await Promise.all([view.loaded(), other.loaded()]);
  const done = view.pin(1, true);
  expect(view.message(1)?.pinned?.by).toBe(ada.id);
  await done;
  await until(other, () => other.chat?.pinnedMessages.length === 1 && other.message(1)?.pinned !== undefined);
  await other.pin(1, false);
  await until(view, () => view.chat?.pinnedMessages.length === 0 && view.message(1)?.pinned === undefined);
});

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, at) => from + at);
