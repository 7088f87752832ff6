import { beforeEach, describe, expect, test } from "vitest";
import type { Chat, Message } from "../../../shared/chat/contract.ts";
import { UNREAD_MS } from "../../../shared/notify/tasks.ts";
import { EventStream } from "../../../shared/testing/event-stream.ts";
import type { Person } from "../../../shared/testing/start-system.ts";
import {
  settleRounds,
  startChat,
  type TestChat,
  useRole,
  useSystem,
} from "../../../shared/testing/use-system.ts";

/** What is of the kind of the rows of docs/people.md, and is in none of them. */
const system = useSystem();
const admin = useRole(system, "admin");
let ada: Person;
let bob: Person;
let people = 0;
beforeEach(async () => {
  people += 1;
  ada = await system.signIn(`ada-${people}@kin.test`);
  bob = await system.signIn(`bob-${people}@kin.test`);
});

const app = "/v1/apps/demo";
const chats = `${app}/chats`;
const seen = async (by: Person, { path }: TestChat): Promise<Chat> => (await by.api.get(path)).body;
const pageOf = async (by: Person, path: string) => {
  const { status, body } = await by.api.get(path);
  expect([path, status]).toEqual([path, 200]);
  return body;
};
const hide = async ({ number }: TestChat, message: number, by: Person): Promise<string> => {
  const { body } = await by.api.post(`${app}/reports`, { message: { chat: number, message }, reason: "No." });
  expect((await admin.api.patch(`${app}/reports/${body.id}`, { decision: "hide" })).status).toBe(200);
  return body.id;
};
const mailsTo = (who: Person) =>
  system.suite.mail
    .list({ limit: 100 })
    .filter(({ to, subject }) => to.includes(who.email) && !/\d{6}/.test(subject));
const notificationsOf = async (by: Person): Promise<{ chat: number }[]> =>
  (await pageOf(by, `${app}/notifications`)).data;

describe("P2: what is repeated is answered as it was first", () => {
  test("a report, after what it names was deleted and its writer has left", async () => {
    const chat = await startChat(ada.api, { members: [bob], texts: ["One"] });
    const key = { "idempotency-key": "report" };
    const report = () =>
      bob.api.post(`${app}/reports`, { message: { chat: chat.number, message: 1 }, reason: "No." }, key);
    const { status, body } = await report();
    expect(status).toBe(201);
    await ada.api.delete(`${chat.path}/messages/1`);
    await bob.api.delete(`${chat.path}/members/${bob.id}`);
    expect((await report()).body.id).toBe(body.id);
  });

  test("an edit is not, once the message was deleted: what it said is gone", async () => {
    const chat = await startChat(ada.api, { texts: ["One"] });
    const edit = () =>
      ada.api.patch(`${chat.path}/messages/1`, { text: "Two" }, { "idempotency-key": "edit" });
    expect((await edit()).status).toBe(200);
    await ada.api.delete(`${chat.path}/messages/1`);
    const again = await edit();
    expect([again.status, JSON.stringify(again.body).includes("Two")]).toEqual([409, false]);
  });
});

describe("P3: a fork", () => {
  test("mentions nobody anew, pins nothing, and is told of to nobody", async () => {
    const chat = await startChat(ada.api, { members: [bob] });
    await ada.api.post(`${chat.path}/messages`, { text: `@${bob.id} @all look` });
    await ada.api.put(`${chat.path}/messages/1/pin`);
    await settleRounds(system);
    const before = await notificationsOf(bob);
    const { status, body } = await bob.api.post(`${chat.path}/forks`, { at: 1 });
    expect(status).toBe(201);
    await settleRounds(system);
    const fork = await seen(bob, { path: `${chats}/${body.number}`, number: body.number });
    expect([fork.mentioned, fork.unreadCount, fork.pinnedMessages, fork.archived]).toEqual([
      false,
      0,
      [],
      false,
    ]);
    expect(await notificationsOf(bob)).toEqual(before);
  });
});

describe("P4: nobody is mailed about a direct message", () => {
  test("that a moderator has hidden", async () => {
    const chat = await startChat(ada.api, { kind: "direct", members: [bob], texts: ["Venom"] });
    await settleRounds(system);
    await hide(chat, 1, bob);
    system.suite.kernel.clock.advance(UNREAD_MS + 1);
    await system.settle();
    expect(mailsTo(bob)).toEqual([]);
  });

  test("of a chat that was deleted, or whose writer they have blocked since", async () => {
    const chat = await startChat(ada.api, { kind: "direct", members: [bob], texts: ["Hello"] });
    const carol = await system.signIn(`carol-${people}@kin.test`);
    await startChat(carol.api, { kind: "direct", members: [bob], texts: ["Hello"] });
    await settleRounds(system);
    await ada.api.delete(chat.path);
    await bob.api.put(`${app}/me/blocks/${carol.id}`);
    system.suite.kernel.clock.advance(UNREAD_MS + 1);
    await system.settle();
    expect(mailsTo(bob)).toEqual([]);
  });
});

describe("P7: whoever joins", () => {
  test("is mentioned by nothing of before, notified of nothing of it, and finds no thread unread", async () => {
    const chat = await startChat(ada.api, { texts: ["Root"] });
    await ada.api.post(`${chat.path}/messages`, { text: `@all and @${bob.id}` });
    await ada.api.post(`${chat.path}/messages`, { text: "Reply", replyTo: 1 });
    await ada.api.put(`${chat.path}/members/${bob.id}`);
    await settleRounds(system);
    const { mentioned, unreadCount } = await seen(bob, chat);
    expect([mentioned, unreadCount]).toEqual([false, 0]);
    expect((await pageOf(bob, `${chat.path}/messages/1/thread`)).unreadCount).toBe(0);
    expect(await notificationsOf(bob)).toEqual([]);
  });
});

describe("P8: a reaction", () => {
  test("of a keycap, a flag, a skin tone and a family is one in every form, and goes in every form", async () => {
    const chat = await startChat(ada.api, { members: [bob], texts: ["One"] });
    const put = (emoji: string) =>
      ada.api.put(`${chat.path}/messages/1/reactions/${encodeURIComponent(emoji)}`);
    const take = (emoji: string) =>
      ada.api.delete(`${chat.path}/messages/1/reactions/${encodeURIComponent(emoji)}`);
    const forms = [
      ["1\u20e3", "1\ufe0f\u20e3"],
      ["🇩🇪", "🇩🇪"],
      ["👍🏽", "👍🏽"],
      ["👨‍👩‍👧", "👨‍👩‍👧"],
      ["☺", "☺️"],
    ] as const;
    for (const [bare, full] of forms)
      for (const form of [bare, full]) expect((await put(form)).status).toBe(200);
    const { reactions } = await pageOf(ada, `${chat.path}/messages/1`);
    expect(Object.keys(reactions).sort()).toEqual(forms.map(([, full]) => full).sort());
    for (const [bare] of forms) await take(bare);
    expect((await pageOf(ada, `${chat.path}/messages/1`)).reactions ?? {}).toEqual({});
  });
});

describe("P9: who was removed and is back", () => {
  test("reads on in a chat's stream from where they were, with what they may see", async () => {
    const chat = await startChat(ada.api, { members: [bob], texts: ["One"] });
    const { revision } = await seen(bob, chat);
    await ada.api.delete(`${chat.path}/members/${bob.id}`);
    await ada.api.put(`${chat.path}/members/${bob.id}`);
    await ada.api.post(`${chat.path}/messages`, { text: "Two" });
    await using stream = await EventStream.open(`${system.url}${chat.path}/events`, bob, {
      "last-event-id": String(revision),
    });
    const events = await stream.until((all) => all.some(({ data }) => data.message?.text === "Two"));
    expect(events.filter(({ data }) => data.removed === true)).toEqual([]);
  });
});

describe("P11: no branch is begun where people talk", () => {
  test("by a message that is sent later, nor in a direct chat or a group that names a model", async () => {
    const group = await startChat(ada.api, { members: [bob], texts: ["One", "Two"] });
    const direct = await startChat(ada.api, { kind: "direct", members: [bob], texts: ["One", "Two"] });
    const sendAt = new Date(system.suite.kernel.clock.now() + 60_000).toISOString();
    for (const { path } of [group, direct]) {
      for (const body of [{ after: 0 }, { after: 1 }, { after: 1, sendAt }]) {
        const { status } = await ada.api.post(`${path}/messages`, { text: "Branch", ...body });
        expect([path, body, status]).toEqual([path, body, 400]);
      }
      expect((await seen(bob, { path, number: 0 })).branchesCount).toBe(1);
    }
  });
});

describe("P13: the list's order", () => {
  test("is not moved by pins, metadata, drafts, reading or who comes and goes", async () => {
    const old = await startChat(ada.api, { members: [bob], texts: ["One"] });
    const recent = await startChat(ada.api, { members: [bob], texts: ["One"] });
    await ada.api.put(`${old.path}/messages/1/pin`);
    await ada.api.patch(old.path, { metadata: { a: "b" }, tags: ["x"] });
    await ada.api.put(`${old.path}/draft`, { text: "Begun" });
    await bob.api.put(`${old.path}/read`, { number: 1 });
    await ada.api.delete(`${old.path}/members/${bob.id}`);
    await ada.api.put(`${old.path}/members/${bob.id}`);
    await ada.api.delete(`${old.path}/messages/1`);
    for (const who of [ada, bob]) {
      const { data } = await pageOf(who, chats);
      expect(data.map(({ number }: Chat) => number)).toEqual([recent.number, old.number]);
    }
  });
});

describe("P15 and P26: pages", () => {
  test("of a thread beyond either end, and around what is there, lead on in one direction", async () => {
    const chat = await startChat(ada.api, { texts: ["Root"] });
    for (let at = 2; at <= 12; at += 1)
      await ada.api.post(`${chat.path}/messages`, { text: `${at}`, replyTo: 1 });
    const path = `${chat.path}/messages`;
    const numbers = (page: { data: Message[] }) => page.data.map(({ number }) => number);
    expect(numbers(await pageOf(ada, `${path}?thread=1&before=1`))).toEqual([]);
    expect(numbers(await pageOf(ada, `${path}?thread=1&after=99`))).toEqual([]);
    expect(numbers(await pageOf(ada, `${path}?around=99&limit=4`))).toHaveLength(4);
    expect(numbers(await pageOf(ada, `${path}?around=1&limit=4`))).toHaveLength(4);
    const seenNumbers: number[] = [];
    for (let cursor = ""; ;) {
      const page = await pageOf(ada, `${path}?thread=1&limit=4${cursor}`);
      seenNumbers.push(...numbers(page));
      if (page.next === null) break;
      cursor = `&cursor=${encodeURIComponent(page.next)}`;
    }
    expect(seenNumbers).toEqual([...seenNumbers].toSorted((a, b) => b - a));
    expect(new Set(seenNumbers).size).toBe(11);
  });
});

describe("P16: nothing is called what nobody could see", () => {
  test.each(["\u200b", "\u3164", " ", "\u202e\u202c", "\u2800"])("%j", async (blank) => {
    const chat = await startChat(ada.api, { members: [bob], texts: ["One"] });
    const refused = await Promise.all([
      ada.api.post(chats, { kind: "group", title: blank }),
      ada.api.patch(chat.path, { title: blank }),
      ada.api.post(`${chat.path}/messages`, { text: blank }),
      ada.api.patch(`${chat.path}/messages/1`, { text: blank }),
      system.operator.post(`${app}/users`, { externalId: `blank-${people}`, name: blank }),
      system.operator.patch(app, { name: blank }),
      ada.api.patch(`${app}/me`, { name: blank }),
    ]);
    expect(refused.map(({ status }) => status)).toEqual(refused.map(() => 400));
  });
});

describe("P18: a filter by oneself", () => {
  test("together with others has what they leave, and comes in pages", async () => {
    for (const title of ["A", "B", "C"]) await startChat(ada.api, { title, tags: ["mine"], members: [bob] });
    await startChat(ada.api, { title: "D" });
    const titles: string[] = [];
    for (let cursor = ""; ;) {
      const page = await pageOf(ada, `${chats}?member=${ada.id}&tag=mine&limit=2${cursor}`);
      titles.push(...page.data.map(({ title }: Chat) => title));
      if (page.next === null) break;
      cursor = `&cursor=${encodeURIComponent(page.next)}`;
    }
    expect(titles).toEqual(["C", "B", "A"]);
  });
});

describe("P19: what changes nothing", () => {
  test("is no change: the same pin, the same read mark, the same title", async () => {
    const chat = await startChat(ada.api, { title: "Same", members: [bob], texts: ["One"] });
    await ada.api.put(`${chat.path}/messages/1/pin`);
    await bob.api.put(`${chat.path}/read`, { number: 1 });
    const before = await seen(ada, chat);
    await ada.api.put(`${chat.path}/messages/1/pin`);
    await bob.api.put(`${chat.path}/read`, { number: 1 });
    await ada.api.patch(chat.path, { title: "Same" });
    expect(await seen(ada, chat)).toEqual(before);
  });

  test("typing ends when the chat is left", async () => {
    const chat = await startChat(ada.api, { members: [bob], texts: ["One"] });
    expect((await bob.api.post(`${chat.path}/typing`)).status).toBe(204);
    expect((await bob.api.delete(`${chat.path}/typing`)).status).toBe(204);
    await ada.api.delete(`${chat.path}/members/${bob.id}`);
    expect((await bob.api.post(`${chat.path}/typing`)).status).toBe(404);
  });
});

describe("P23: If-Match", () => {
  test("refuses a deletion and metadata that another device was faster than, too", async () => {
    const chat = await startChat(ada.api, { texts: ["One"] });
    const path = `${chat.path}/messages/1`;
    const etag = (await ada.api.get(path)).headers.get("etag") ?? "";
    expect(etag).not.toBe("");
    expect((await ada.api.patch(path, { text: "Two" }, { "if-match": etag })).status).toBe(200);
    const stale = { "if-match": etag };
    expect((await ada.api.patch(path, { metadata: { a: "b" } }, stale)).status).toBe(412);
    expect((await ada.api.delete(path, stale)).status).toBe(412);
    expect((await pageOf(ada, path)).text).toBe("Two");
  });
});
