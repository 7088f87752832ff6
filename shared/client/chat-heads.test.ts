import { beforeEach, expect, test } from "vitest";
import type { Chat, Message } from "../chat/contract.ts";
import { type ChatHeads, type ChatSettings, createChatHeads, ownOf } from "./chat-heads.ts";
import { createUnreadTotal } from "./unread-total.ts";

const chatOf = (change: Partial<Chat> = {}): Chat => ({
  number: 1,
  kind: "group",
  title: "",
  titleBy: null,
  members: ["me", "bob"],
  createdBy: "bob",
  tags: [],
  temporary: false,
  revision: 1,
  messagesCount: 0,
  unreadCount: 0,
  readThrough: 0,
  mentioned: false,
  pinnedMessages: [],
  activeBranch: "main",
  branchesCount: 1,
  archived: false,
  pinned: false,
  notify: "all",
  markedUnread: false,
  createdAt: "2026-01-01T00:00:00.000Z",
  latestAt: "2026-01-01T00:00:00.000Z",
  updatedAt: "2026-01-01T00:00:00.000Z",
  ...change,
});

const messageOf = (number: number, revision: number, change: Partial<Message> = {}): Message => ({
  id: `m${number}`,
  number,
  revision,
  branch: "main",
  parent: number - 1 || null,
  sender: { id: "bob" },
  role: "user",
  text: `Text ${number}`,
  parts: [],
  status: "complete",
  reactions: {},
  createdAt: `2026-01-02T00:00:0${number}.000Z`,
  ...change,
});
const gone = { status: "deleted", text: "" } as const;

let heads: ChatHeads;
beforeEach(() => {
  heads = createChatHeads("me", () => undefined);
});
const unread = (): number | undefined => heads.get(1)?.unreadCount;

test("a deletion takes an unread message away once, told twice and after a later message", () => {
  heads.take(chatOf({ messagesCount: 3, unreadCount: 3, revision: 3 }));
  heads.takeMessage(1, messageOf(4, 5));
  expect(unread()).toBe(4);
  heads.takeMessage(1, messageOf(2, 4, gone));
  heads.takeMessage(1, messageOf(2, 4, gone));
  expect(unread()).toBe(3);
});

test("a deletion of what was read, or was counted by the answer already, takes nothing away", () => {
  heads.take(chatOf({ messagesCount: 4, unreadCount: 2, readThrough: 1, revision: 9 }));
  heads.takeMessage(1, messageOf(1, 10, gone));
  heads.takeMessage(1, messageOf(3, 8, gone));
  expect(unread()).toBe(2);
  heads.takeRead(1, 4);
  expect(unread()).toBe(0);
  heads.takeMessage(1, messageOf(5, 11));
  expect(unread()).toBe(1);
});

test("a message that is withheld is not unread until it is shown again", () => {
  heads.take(chatOf({ messagesCount: 2, unreadCount: 2, revision: 2 }));
  heads.takeMessage(1, messageOf(2, 3, { hidden: true, text: "" }));
  expect(unread()).toBe(1);
  heads.takeMessage(1, messageOf(2, 4));
  expect(unread()).toBe(2);
});

test("what was read here stays read when an earlier answer comes later", () => {
  heads.take(chatOf({ messagesCount: 3, unreadCount: 3, revision: 3 }));
  heads.takeRead(1, 3);
  heads.take(chatOf({ messagesCount: 3, unreadCount: 3, revision: 3 }));
  expect(unread()).toBe(0);
});

test("reading on another device takes the mark away; a mark of delivery, which tells it again, does not", () => {
  heads.take(chatOf({ messagesCount: 3, unreadCount: 1, readThrough: 2, revision: 3, markedUnread: true }));
  heads.takeRead(1, 2);
  expect(heads.get(1)).toMatchObject({ markedUnread: true, unreadCount: 1 });
  heads.takeRead(1, 3);
  expect(heads.get(1)).toMatchObject({ markedUnread: false, unreadCount: 0, readThrough: 3 });
});

test("a message brings a chat back from the archive, also for an answer that was on its way", () => {
  heads.take(chatOf({ messagesCount: 1, revision: 1, archived: true }));
  const asOf = heads.moment();
  heads.takeMessage(1, messageOf(2, 2));
  expect(heads.get(1)?.archived).toBe(false);
  heads.take(chatOf({ messagesCount: 1, revision: 1, archived: true }), asOf);
  expect(heads.get(1)?.archived).toBe(false);
  heads.takeMessage(1, messageOf(1, 3, { text: "Edited" }));
  heads.takeOwn({ chat: 1, ...ownOf(chatOf({ archived: true })) });
  heads.takeMessage(1, messageOf(2, 4, { text: "Edited" }));
  expect(heads.get(1)?.archived).toBe(true);
});

test("an answer asked for before one's own was told has no say in it, whatever its revision", () => {
  heads.take(chatOf({ revision: 1, pinned: true, order: 1 }));
  const asOf = heads.moment();
  heads.takeOwn({ chat: 1, ...ownOf(chatOf({ notify: "none" })) });
  heads.take(chatOf({ revision: 5, title: "New", pinned: true, order: 1 }), asOf);
  expect(heads.get(1)).toMatchObject({ title: "New", notify: "none", pinned: false });
  expect(heads.get(1)).not.toHaveProperty("order");
  heads.take(chatOf({ revision: 5, title: "New", notify: "mentions" }), heads.moment());
  expect(heads.get(1)?.notify).toBe("mentions");
});

test("what happens to a group is unread to nobody, and neither moves it nor brings it back", () => {
  heads.take(chatOf({ messagesCount: 1, unreadCount: 1, revision: 1, archived: true }));
  const { latestAt } = heads.get(1) ?? {};
  heads.takeMessage(1, messageOf(2, 2, { role: "system", text: "", event: { type: "joined", user: "cy" } }));
  expect(heads.get(1)).toMatchObject({ unreadCount: 1, archived: true, latestAt, messagesCount: 2 });
  expect(heads.get(1)).not.toHaveProperty("latest");
});

test("a mention stands out until it is read or gone", () => {
  heads.take(chatOf({ messagesCount: 1, unreadCount: 1, revision: 1 }));
  const mentions = [{ start: 0, end: 3, user: "me" }];
  heads.takeMessage(1, messageOf(2, 2, { mentions }));
  expect(heads.get(1)?.mentioned).toBe(true);
  heads.takeRead(1, 2);
  expect(heads.get(1)?.mentioned).toBe(false);
  heads.takeMessage(1, messageOf(3, 3, { mentions: [{ start: 0, end: 4, user: "all" }] }));
  expect(heads.get(1)?.mentioned).toBe(true);
  heads.takeMessage(1, messageOf(3, 4, gone));
  expect(heads.get(1)?.mentioned).toBe(false);
  heads.takeMessage(1, messageOf(4, 5, { mentions, sender: { id: "me" } }));
  expect(heads.get(1)?.mentioned).toBe(false);
});

test("the total counts the chats that are known as they are, and the others as the server did", () => {
  const total = createUnreadTotal(heads);
  const page = (data: Chat[], unreadTotal?: number): void =>
    total.takePage(
      { data, hasMore: true, next: "c", prev: null, ...(unreadTotal === undefined ? {} : { unreadTotal }) },
      () => data.forEach((chat) => heads.take(chat)),
    );
  expect(total.value).toBeUndefined();
  page([chatOf({ messagesCount: 2, unreadCount: 2, revision: 2 })], 7);
  expect(total.value).toBe(7);
  heads.takeMessage(1, messageOf(3, 3));
  expect(total.value).toBe(8);
  page([chatOf({ number: 2, messagesCount: 4, unreadCount: 4 })]);
  expect(total.value).toBe(8);
  heads.takeRead(1, 3);
  heads.takeRead(2, 4);
  expect(total.value).toBe(1);
  // A chat from beyond the pages may have been counted with the rest.
  heads.take(chatOf({ number: 3, messagesCount: 2, unreadCount: 2 }));
  expect([total.accountsFor(2), total.accountsFor(3)]).toEqual([true, false]);
  page([chatOf({ number: 3, messagesCount: 2, unreadCount: 2 })], 2);
  expect([total.value, total.accountsFor(4)]).toEqual([2, true]);
});

const settings = (changes: Partial<ChatSettings>): ChatSettings => ({
  chat: 1,
  revision: 4,
  title: "Ferries",
  titleBy: "model",
  tags: [],
  members: ["me"],
  activeBranch: "main",
  branchesCount: 1,
  ...changes,
});

const assistant = chatOf({
  kind: "assistant",
  title: "Ferries",
  titleBy: "model",
  members: ["me"],
  model: "small",
  instructions: "Be kind.",
  temperature: 0,
  revision: 3,
});

function headAfter(...told: readonly Partial<ChatSettings>[]): Chat | undefined {
  heads.forget(1);
  heads.take(assistant);
  for (const changes of told) heads.takeSettings(settings(changes));
  return heads.get(1);
}

test("settings that are told take the place of those that were known, and null takes them back", () => {
  expect(headAfter({ model: "large", instructions: "Rhyme.", temperature: 1.5 })).toMatchObject({
    model: "large",
    instructions: "Rhyme.",
    temperature: 1.5,
  });
  const without = headAfter({ model: null, instructions: null, temperature: null, titleBy: "person" });
  expect(without).toMatchObject({ titleBy: "person", revision: 4 });
  for (const name of ["model", "instructions", "temperature"]) expect(without).not.toHaveProperty(name);
});

test("what an older server does not tell stays as it is known", () => {
  expect(headAfter({ title: "Boats" })).toMatchObject({ ...assistant, title: "Boats", revision: 4 });
});

test("an older change that comes later changes nothing", () => {
  expect(headAfter({ revision: 6, model: null }, { revision: 5, model: "large" })).not.toHaveProperty(
    "model",
  );
});
