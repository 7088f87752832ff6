import { expect, test } from "vitest";
import { clientOf, createNetwork, openDesk, until } from "../testing/live-clients.ts";
import { usePeople, useSystem } from "../testing/use-system.ts";
import type { Desk } from "./connect.ts";

const system = useSystem();
const [ada, bob] = usePeople(system, "ada@example.test", "bob@example.test");

/** A group of the two, and Bob's phone and laptop, which list their chats. */
async function openDevices(): Promise<{ number: number; phone: Desk; laptop: Desk } & Disposable> {
  const { body } = await ada.api.post("/v1/apps/demo/chats", { kind: "group", members: [bob.id] });
  const desks = [openDesk(clientOf(system, bob)), openDesk(clientOf(system, bob))] as const;
  for (const desk of desks) await desk.chats.list().loadMore();
  const [phone, laptop] = desks;
  return {
    number: body.number,
    phone,
    laptop,
    [Symbol.dispose]: () => desks.forEach((desk) => desk.close()),
  };
}
const say = (chat: number, text: string): Promise<unknown> =>
  ada.api.post(`/v1/apps/demo/chats/${chat}/messages`, { text });

test("an arrangement shows at once here and then on the other device", async () => {
  using devices = await openDevices();
  const { number, phone, laptop } = devices;
  const done = phone.chats.arrange(number, { order: 5, notify: "mentions" });
  expect(phone.chats.get(number)).toMatchObject({ pinned: true, order: 5, notify: "mentions" });
  await Promise.all([done, phone.chats.mute(number, null)]);
  await until(laptop, () => laptop.chats.get(number)?.mute !== undefined);
  expect(laptop.chats.get(number)).toMatchObject({ pinned: true, order: 5, notify: "mentions" });
  await laptop.chats.arrange(number, { pinned: false });
  await laptop.chats.unmute(number);
  await until(phone, () => phone.chats.get(number)?.mute === undefined && !phone.chats.get(number)?.pinned);
  expect(phone.chats.get(number)).not.toHaveProperty("order");
});

test("what was arranged here is not seen to go back by what is told of it late", async () => {
  using devices = await openDevices();
  const { number, phone, laptop } = devices;
  const seen: number[] = [];
  phone.on("change", () => seen.push(phone.chats.get(number)?.order ?? 0));
  for (const order of [1, 2, 3]) {
    await Promise.all([
      phone.chats.arrange(number, { order }),
      phone.chats.arrange(number, { order: order + 0.5 }),
    ]);
  }
  await system.settle();
  await until(laptop, () => laptop.chats.get(number)?.order === 3.5);
  expect(seen).toEqual(seen.toSorted((a, b) => a - b));
  expect(phone.chats.get(number)?.order).toBe(3.5);
  // What another device does now is heard all the same.
  await laptop.chats.arrange(number, { order: 1 });
  await until(phone, () => phone.chats.get(number)?.order === 1);
});

test("an arrangement that is refused is taken back", async () => {
  const { body } = await ada.api.post("/v1/apps/demo/chats", { kind: "group", members: [bob.id] });
  const network = createNetwork();
  using desk = openDesk(clientOf(system, bob, { environment: { ...network, random: () => 0 } }));
  await desk.chats.list().loadMore();
  for (let tries = 0; tries < 3; tries += 1) network.fail(/PATCH/, "before");
  const done = desk.chats.arrange(body.number, { archived: true });
  expect(desk.chats.get(body.number)?.archived).toBe(true);
  await expect(done).rejects.toMatchObject({ code: "unreachable" });
  expect(desk.chats.get(body.number)?.archived).toBe(false);
});

test("a message brings a chat back from the archive on all devices", async () => {
  using devices = await openDevices();
  const { number, phone, laptop } = devices;
  await phone.chats.arrange(number, { archived: true });
  await until(laptop, () => laptop.chats.get(number)?.archived === true);
  await say(number, "Hello");
  for (const desk of [phone, laptop]) {
    await until(desk, () => desk.chats.get(number)?.archived === false);
    expect(desk.chats.get(number)?.unreadCount).toBe(1);
  }
});

test("the total of unread messages follows messages, deletions and reading elsewhere", async () => {
  using devices = await openDevices();
  const { number, phone, laptop } = devices;
  const before = phone.chats.unreadTotal ?? 0;
  for (const text of ["One", "Two", "Three"]) await say(number, text);
  await until(laptop, () => laptop.chats.unreadTotal === before + 3);
  await ada.api.delete(`/v1/apps/demo/chats/${number}/messages/2`);
  await until(laptop, () => laptop.chats.unreadTotal === before + 2);
  const view = phone.openChat(number);
  await view.loaded();
  view.markRead(3);
  await until(laptop, () => laptop.chats.unreadTotal === before);
  expect(phone.chats.unreadTotal).toBe(before);
});

test("a chat marked as unread stays so while it is open, and is read by looking anew", async () => {
  using devices = await openDevices();
  const { number, phone, laptop } = devices;
  await say(number, "Hello");
  const view = phone.openChat(number);
  await view.loaded();
  view.markRead(1);
  await laptop.chats.arrange(number, { markedUnread: true });
  await until(phone, () => phone.chats.get(number)?.markedUnread === true);
  view.markRead(1);
  expect(phone.chats.get(number)?.markedUnread).toBe(true);
  view.pause();
  view.resume();
  view.markRead(1);
  await until(laptop, () => laptop.chats.get(number)?.markedUnread === false);
});
