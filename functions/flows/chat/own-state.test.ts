import { beforeEach, describe, expect, test } from "vitest";
import { type Chat, LATEST_CHARS_MAX } from "../../../shared/chat/contract.ts";
import { EventStream, type SseEvent } from "../../../shared/testing/event-stream.ts";
import type { Person } from "../../../shared/testing/start-system.ts";
import { settleRounds, stayAtOneInstance, useSystem } from "../../../shared/testing/use-system.ts";
import { THREAD_DRAFTS_MAX } from "../../../shared/chat/own/draft.ts";
import { roundMs } from "../../../shared/notify/announce-messages.ts";
import { LOOK_AGAIN_MS } from "../../../shared/notify/tasks.ts";

/**
 * What of a chat is each person's own: unread counts, archive, pins, marks, levels, drafts. One file, as
 * each is held against the others: none may move another's.
 */
const system = useSystem();
let ada: Person;
let bob: Person;
let people = 0;
beforeEach(async () => {
  people += 1;
  ada = await system.signIn(`ada-${people}@own.test`);
  bob = await system.signIn(`bob-${people}@own.test`);
});

const chats = "/v1/apps/demo/chats";
async function create(by: Person, draft: object = {}): Promise<string> {
  const { body } = await by.api.post(chats, { kind: "group", ...draft });
  return `${chats}/${body.number}`;
}
const seen = async (by: Person, chat: string): Promise<Chat> => (await by.api.get(chat)).body;
async function say(by: Person, chat: string, ...texts: string[]): Promise<void> {
  for (const text of texts) expect((await by.api.post(`${chat}/messages`, { text })).status).toBe(201);
}
const listed = async (by: Person, query = ""): Promise<number[]> =>
  (await by.api.get(`${chats}?${query}`)).body.data.map(({ number }: Chat) => number);
async function open(by: Person, path: string): Promise<EventStream> {
  const stream = await EventStream.open(`${system.url}${path}`, by);
  await stream.reached;
  return stream;
}
const has =
  (name: string) =>
  (events: readonly SseEvent[]): boolean =>
    events.some(({ event }) => event === name);
const totalOf = async (by: Person): Promise<number> =>
  (await by.api.get(`${chats}?limit=1`)).body.unreadTotal;
const numberOf = (chat: string): number => Number(chat.split("/").at(-1));

describe("unread are the messages that one could read and has not", () => {
  test("not those that were deleted, whichever they are and in whatever order", async () => {
    const chat = await create(ada, { members: [bob.id] });
    await say(ada, chat, "1", "2", "3", "4", "5");
    expect((await seen(bob, chat)).unreadCount).toBe(5);
    for (const number of [4, 2]) await ada.api.delete(`${chat}/messages/${number}`);
    expect((await seen(bob, chat)).unreadCount).toBe(3);
    await bob.api.put(`${chat}/read`, { number: 3 });
    expect((await seen(bob, chat)).unreadCount).toBe(1);
    await ada.api.delete(`${chat}/messages/1`);
    expect((await seen(bob, chat)).unreadCount).toBe(1);
    await ada.api.delete(`${chat}/messages/5`);
    expect((await seen(bob, chat)).unreadCount).toBe(0);
  });

  test("not an edited one that was read, nor a reaction", async () => {
    const chat = await create(ada, { members: [bob.id] });
    await say(ada, chat, "1");
    await bob.api.put(`${chat}/read`, { number: 1 });
    await ada.api.patch(`${chat}/messages/1`, { text: "One" });
    await ada.api.put(`${chat}/messages/1/reactions/${encodeURIComponent("👍")}`);
    expect((await seen(bob, chat)).unreadCount).toBe(0);
  });

  test("none of a fork, and of it only what comes", async () => {
    const chat = await create(ada, { members: [bob.id] });
    await say(ada, chat, "1", "2");
    const { body: fork } = await bob.api.post(`${chat}/forks`, { at: 2 });
    expect(fork.unreadCount).toBe(0);
    expect((await seen(bob, `${chats}/${fork.number}`)).unreadCount).toBe(0);
    expect((await bob.api.get(chats)).body.data[0]).toMatchObject({ number: fork.number, unreadCount: 0 });
  });

  test("from joining on, and again from joining again on, at one cost", async () => {
    stayAtOneInstance(system);
    const chat = await create(ada);
    await say(ada, chat, "1", "2", "3");
    const few = await system.meterRequest(() => ada.api.put(`${chat}/members/${bob.id}`));
    expect((await seen(bob, chat)).unreadCount).toBe(0);
    await say(ada, chat, "4", "5");
    expect((await seen(bob, chat)).unreadCount).toBe(2);
    await bob.api.delete(`${chat}/members/${bob.id}`);
    await say(ada, chat, "6");
    const more = await system.meterRequest(() => ada.api.put(`${chat}/members/${bob.id}`));
    expect((await seen(bob, chat)).unreadCount).toBe(0);
    expect(more.billed).toEqual(few.billed);
    expect((await seen(bob, chat)).latest?.text).toBe("6");
  });

  test("those of all chats together come with the list, at no read more", async () => {
    const [one, two] = [
      await create(ada, { members: [bob.id] }),
      await create(ada, { members: [bob.id], kind: "direct" }),
    ];
    await say(ada, one, "1", "2");
    await say(ada, two, "1");
    let total: number | undefined;
    const cost = await system.meterRequest(async () => {
      total = (await bob.api.get(chats)).body.unreadTotal;
    });
    expect(total).toBe(3);
    expect(cost.rpcs["firestore.RunQuery"]).toBe(1);
    expect(cost.billed.reads).toBe(2 + 1);
    // Those beyond the page were counted when Bob was told of them.
    await system.settle();
    const { body } = await bob.api.get(`${chats}?limit=1`);
    expect(body).toMatchObject({ hasMore: true, unreadTotal: 3 });
    await bob.api.put(`${one}/read`, { number: 2 });
    expect((await bob.api.get(`${chats}?limit=1`)).body.unreadTotal).toBe(1);
    expect((await bob.api.get(`${chats}?kind=direct`)).body.unreadTotal).toBeUndefined();
  });

  test("those of chats beyond the page follow deletions, reading in part, and what one writes oneself", async () => {
    const chat = await create(ada, { members: [bob.id] });
    await say(ada, chat, "1", "2", "3", "4");
    await system.settle();
    await create(bob);
    expect(await totalOf(bob)).toBe(4);
    await ada.api.delete(`${chat}/messages/2`);
    await settleRounds(system);
    expect(await totalOf(bob)).toBe(3);
    await bob.api.put(`${chat}/read`, { number: 3 });
    expect(await totalOf(bob)).toBe(1);
    // A mark that comes late takes nothing back, whatever was deleted in between.
    await say(ada, chat, "5", "6");
    await ada.api.delete(`${chat}/messages/5`);
    await settleRounds(system);
    await bob.api.put(`${chat}/read`, { number: 4 });
    expect(await totalOf(bob)).toBe(1);
    await bob.api.put(`${chat}/read`, { number: 1 });
    expect(await totalOf(bob)).toBe(1);
    await say(bob, chat, "5");
    await create(bob);
    await settleRounds(system);
    expect(await totalOf(bob)).toBe(0);
  });

  test("those of whoever was there and left them unread count, those of a deleted chat do not", async () => {
    const chat = await create(ada, { members: [bob.id] });
    const stream = await open(bob, "/v1/apps/demo/events");
    await say(ada, chat, "1", "2");
    await stream.until((events) => events.filter(({ event }) => event === "message.created").length === 2);
    await settleRounds(system);
    await create(bob);
    await stream[Symbol.asyncDispose]();
    system.suite.kernel.clock.advance(LOOK_AGAIN_MS + 1);
    await system.settle();
    expect(await totalOf(bob)).toBe(2);
    await ada.api.delete(chat);
    await system.settle();
    expect(await totalOf(bob)).toBe(0);
  });

  test("those of a message that is withheld, and shown again, follow beyond the page too", async () => {
    const chat = await create(ada, { members: [bob.id] });
    await say(ada, chat, "1", "2");
    await system.settle();
    await create(bob);
    const reports = "/v1/apps/demo/reports";
    const message = { chat: numberOf(chat), message: 1 };
    const { body } = await bob.api.post(reports, { message, reason: "No." });
    for (const [decision, left] of [
      ["hide", 1],
      ["dismiss", 2],
    ] as const) {
      expect((await system.operator.patch(`${reports}/${body.id}`, { decision })).status).toBe(200);
      await settleRounds(system);
      const counts = [await totalOf(bob), (await seen(bob, chat)).unreadCount];
      expect([decision, ...counts]).toEqual([decision, left, left]);
    }
  });

  test("those of a temporary chat, which no list shows, do not count", async () => {
    const chat = await create(ada, { members: [bob.id], temporary: true });
    await say(ada, chat, "1", "2");
    await bob.api.put(`${chat}/read`, { number: 1 });
    await settleRounds(system);
    await create(bob);
    expect([await totalOf(bob), (await seen(bob, chat)).unreadCount]).toEqual([0, 1]);
  });

  test("are counted anew once for all that is deleted in a while, a read for each member", async () => {
    const chat = await create(ada, { members: [bob.id] });
    await say(ada, chat, "1", "2", "3");
    await settleRounds(system);
    const before = system.logs.length;
    const slot = (): number => Math.floor(system.suite.kernel.clock.now() / roundMs(2));
    const first = slot();
    await Promise.all([1, 2, 3].map((number) => ada.api.delete(`${chat}/messages/${number}`)));
    const slots = slot() - first + 1;
    const cost = await system.meter(() => settleRounds(system));
    const runs = system.logs.slice(before).filter(({ recounted }) => recounted !== undefined);
    // On a slow machine the deletions may come in two whiles.
    expect(runs.length).toBeLessThanOrEqual(slots);
    expect(cost.billed.writes).toBeLessThan(20 * slots);
  });

  test("those of a chat that one has left count no more", async () => {
    const chat = await create(ada, { members: [bob.id] });
    await say(ada, chat, "1");
    await system.settle();
    await create(bob);
    expect((await bob.api.get(`${chats}?limit=1`)).body.unreadTotal).toBe(1);
    await bob.api.delete(`${chat}/members/${bob.id}`);
    expect((await bob.api.get(`${chats}?limit=1`)).body.unreadTotal).toBe(0);
  });
});

describe("an arrangement", () => {
  test("is seen by nobody else and moves nothing", async () => {
    const chat = await create(ada, { members: [bob.id], kind: "direct" });
    const before = await seen(bob, chat);
    const change = { archived: true, pinned: true, notify: "mentions", markedUnread: true };
    const { status, body } = await ada.api.patch(chat, change);
    expect(status).toBe(200);
    expect(body).toMatchObject({ ...change, revision: before.revision, order: expect.any(Number) });
    expect(await seen(bob, chat)).toEqual(before);
    expect(await seen(ada, chat)).toMatchObject(change);
  });

  test("is one's own where one may change nothing else", async () => {
    const viewer = await system.signIn(`viewer-${people}@own.test`);
    const chat = await create(ada, { members: [viewer.id] });
    await system.operator.patch(`/v1/apps/demo/users/${viewer.id}`, { role: "viewer" });
    const again = await system.signIn(`viewer-${people}@own.test`);
    expect((await again.api.patch(chat, { archived: true })).status).toBe(200);
    expect((await again.api.patch(chat, { archived: false, title: "Mine" })).status).toBe(403);
    expect(await seen(again, chat)).toMatchObject({ archived: true, title: "" });
  });

  test("a message brings a chat back from the archive, and nothing else does", async () => {
    const chat = await create(ada, { members: [bob.id] });
    await say(ada, chat, "1");
    await bob.api.patch(chat, { archived: true });
    await ada.api.patch(`${chat}/messages/1`, { text: "One" });
    await ada.api.patch(chat, { title: "Renamed" });
    expect(await listed(bob, "archived=true")).toEqual([numberOf(chat)]);
    expect(await listed(bob, "archived=false")).toEqual([]);
    expect(await listed(ada, "archived=true")).toEqual([]);
    await say(ada, chat, "2");
    expect(await listed(bob, "archived=true")).toEqual([]);
    expect(await listed(bob, "archived=false")).toEqual([numberOf(chat)]);
  });

  test("an empty chat can be archived too, and taken out again", async () => {
    const chat = await create(ada);
    await ada.api.patch(chat, { archived: true });
    expect(await listed(ada, "archived=true")).toEqual([numberOf(chat)]);
    await ada.api.patch(chat, { archived: false });
    expect(await listed(ada, "archived=true")).toEqual([]);
  });

  test("archived chats come in pages, those with the latest message first, at a read each", async () => {
    const made: string[] = [];
    for (let index = 0; index < 5; index += 1) {
      made.push(await create(ada));
      await say(ada, made[index] ?? "", "hello");
    }
    for (const chat of [2, 0, 4, 1].map((index) => made[index] ?? "")) {
      await ada.api.patch(chat, { archived: true });
    }
    const expected = [4, 2, 1, 0].map((index) => numberOf(made[index] ?? ""));
    const seenNumbers: number[] = [];
    for (let cursor = ""; ;) {
      const { body } = await ada.api.get(`${chats}?archived=true&limit=2${cursor}`);
      seenNumbers.push(...body.data.map(({ number }: Chat) => number));
      if (!body.hasMore) break;
      cursor = `&cursor=${body.next}`;
    }
    expect(seenNumbers).toEqual(expected);
    const cost = await system.meterRequest(() => ada.api.get(`${chats}?archived=true`));
    expect(cost.billed.reads).toBe(1 + 4);
  });

  test("pinned chats keep the order that one gives them", async () => {
    const [a, b, c] = [await create(ada), await create(ada), await create(ada)];
    await ada.api.patch(a, { order: 2 });
    await ada.api.patch(b, { order: 1 });
    expect(await seen(ada, a)).toMatchObject({ pinned: true, order: 2 });
    await ada.api.patch(b, { pinned: true });
    expect(await seen(ada, b)).toMatchObject({ pinned: true, order: 1 });
    expect(new Set(await listed(ada, "pinned=true"))).toEqual(new Set([numberOf(a), numberOf(b)]));
    expect(await listed(ada, "pinned=false")).toEqual([numberOf(c)]);
    await ada.api.patch(a, { pinned: false });
    expect(await seen(ada, a)).not.toHaveProperty("order");
    expect(await listed(ada, "pinned=true")).toEqual([numberOf(b)]);
  });

  test("a mark as unread goes with reading", async () => {
    const chat = await create(ada, { members: [bob.id] });
    await say(ada, chat, "1");
    await bob.api.put(`${chat}/read`, { number: 1 });
    await bob.api.patch(chat, { markedUnread: true });
    expect(await seen(bob, chat)).toMatchObject({ markedUnread: true, unreadCount: 0 });
    await bob.api.put(`${chat}/read`, { delivered: 1 });
    expect((await seen(bob, chat)).markedUnread).toBe(true);
    await bob.api.put(`${chat}/read`, { number: 1 });
    expect((await seen(bob, chat)).markedUnread).toBe(false);
  });

  test("a draft in a thread is kept with it, whole, beside that of the chat, and told to one's devices", async () => {
    const chat = await create(ada, { members: [bob.id] });
    await say(ada, chat, "Root", "Another");
    await using stream = await open(ada, "/v1/apps/demo/events");
    const threadOf = async (by: Person, root: number) =>
      (await by.api.get(`${chat}/messages/${root}/thread`)).body.draft;
    const put = (body: object) => ada.api.put(`${chat}/draft`, body);
    const text = "Begun ".repeat(100);
    expect((await put({ text, thread: 1 })).status).toBe(204);
    await put({ text: "Of the chat" });
    expect(await threadOf(ada, 1)).toEqual({ text, updatedAt: expect.any(String) });
    expect([await threadOf(ada, 2), await threadOf(bob, 1)]).toEqual([undefined, undefined]);
    expect((await seen(ada, chat)).draft?.text).toBe("Of the chat");
    const told = (events: readonly SseEvent[]) =>
      events.filter(({ event, data }) => event === "chat.own" && "threadDraft" in data);
    await stream.until((events) => told(events).length === 1);
    const [{ data } = { data: {} }] = told(stream.events);
    expect(data).toMatchObject({
      chat: numberOf(chat),
      threadDraft: { thread: 1, text: text.slice(0, LATEST_CHARS_MAX), cut: true },
    });
    await put({ text: "short", thread: 1 });
    expect((await threadOf(ada, 1)).text).toBe("short");
    await put({ text: "", thread: 1 });
    expect(await threadOf(ada, 1)).toBeUndefined();
    expect((await seen(ada, chat)).draft?.text).toBe("Of the chat");
    for (const thread of [0, 3, 1.5, "1"]) expect((await put({ text: "x", thread })).status).toBe(400);
    const stranger = await system.signIn("stranger@own.test");
    expect((await stranger.api.put(`${chat}/draft`, { text: "x", thread: 1 })).status).toBe(404);
  });

  test("drafts of so many threads are kept, the oldest make room, and all go with the chat", async () => {
    const chat = await create(ada);
    const roots = Array.from({ length: THREAD_DRAFTS_MAX + 2 }, (_, at) => at + 1);
    await say(ada, chat, ...roots.map(String));
    const long = "x".repeat(LATEST_CHARS_MAX + 1);
    for (const thread of roots) {
      await ada.api.put(`${chat}/draft`, { text: long, thread });
      system.suite.kernel.clock.advance(10);
    }
    const kept = await Promise.all(
      roots.map(async (root) => (await ada.api.get(`${chat}/messages/${root}/thread`)).body.draft?.text),
    );
    expect(kept).toEqual([undefined, undefined, ...roots.slice(2).map(() => long)]);
    const { firestore } = system.deps;
    const whole = firestore.doc(`apps/demo/drafts/${ada.id}.${numberOf(chat)}.threads`);
    expect(Object.keys((await whole.get()).data() ?? {})).toHaveLength(THREAD_DRAFTS_MAX);
    await ada.api.delete(chat);
    await system.settle();
    expect((await whole.get()).exists).toBe(false);
    const reads = (await firestore.doc(`apps/demo/reads/${ada.id}`).get()).data();
    expect(reads?.["threadDrafts"]).toEqual({});
  });

  test("a draft is on all devices, whole where the chat is read, begun in lists", async () => {
    const chat = await create(ada, { members: [bob.id] });
    const text = "word ".repeat(200);
    expect((await ada.api.put(`${chat}/draft`, { text })).status).toBe(204);
    expect((await seen(ada, chat)).draft).toEqual({ text, updatedAt: expect.any(String) });
    const { draft } = (await ada.api.get(chats)).body.data[0];
    expect(draft).toMatchObject({ text: text.slice(0, LATEST_CHARS_MAX), cut: true });
    expect(await seen(bob, chat)).not.toHaveProperty("draft");
    await ada.api.put(`${chat}/draft`, { text: "short" });
    expect((await seen(ada, chat)).draft).toMatchObject({ text: "short" });
    await ada.api.put(`${chat}/draft`, { text: "" });
    expect(await seen(ada, chat)).not.toHaveProperty("draft");
    expect((await ada.api.put(`${chat}/draft`, { text: "x".repeat(32_001) })).status).toBe(400);
    expect((await bob.api.put(`${chat}/draft`, {})).status).toBe(400);
  });

  test("one's other devices are told, and nobody else", async () => {
    const chat = await create(ada, { members: [bob.id] });
    await using own = await open(ada, "/v1/apps/demo/events");
    await using others = await open(bob, "/v1/apps/demo/events");
    await using inChat = await open(bob, `${chat}/events`);
    await ada.api.patch(chat, { archived: true });
    const events = await own.until(has("chat.own"));
    expect(events.find(({ event }) => event === "chat.own")?.data).toMatchObject({
      chat: numberOf(chat),
      archived: true,
      pinned: false,
      notify: "all",
    });
    await say(ada, chat, "1");
    for (const stream of [others, inChat]) {
      expect((await stream.until(has("message.created"))).some(({ event }) => event === "chat.own")).toBe(
        false,
      );
    }
  });

  test("nothing of it is left of a deleted chat", async () => {
    const chat = await create(ada, { members: [bob.id] });
    await bob.api.patch(chat, { archived: true, pinned: true, notify: "none", markedUnread: true });
    await bob.api.put(`${chat}/draft`, { text: "x".repeat(500) });
    await say(ada, chat, "1");
    await system.settle();
    await ada.api.delete(chat);
    await system.settle();
    const reads = (await system.deps.firestore.doc(`apps/demo/reads/${bob.id}`).get()).data() ?? {};
    for (const [kind, notes] of Object.entries(reads)) expect({ [kind]: notes }).toEqual({ [kind]: {} });
    const draft = system.deps.firestore.doc(`apps/demo/drafts/${bob.id}.${numberOf(chat)}`);
    expect((await draft.get()).exists).toBe(false);
  });
});

describe("only messages move a chat in the list", () => {
  test("reactions, edits, deletions, titles and members do not", async () => {
    const [old, young] = [await create(ada), await create(ada)];
    await say(ada, old, "1", "2");
    await say(ada, young, "1");
    const before = await seen(ada, old);
    await ada.api.put(`${old}/messages/1/reactions/${encodeURIComponent("👍")}`);
    await ada.api.patch(`${old}/messages/1`, { text: "One" });
    await ada.api.delete(`${old}/messages/2`);
    await ada.api.patch(old, { title: "Old" });
    await ada.api.put(`${old}/members/${bob.id}`);
    expect(await listed(ada)).toEqual([numberOf(young), numberOf(old)]);
    const after = await seen(ada, old);
    expect(after.latestAt).toBe(before.latestAt);
    expect(Date.parse(after.updatedAt)).toBeGreaterThanOrEqual(Date.parse(before.updatedAt));
    await say(ada, old, "3");
    expect(await listed(ada)).toEqual([numberOf(old), numberOf(young)]);
  });

  test("whoever lists the chats with themselves lists all that they are in", async () => {
    const made = [await create(ada), await create(ada, { members: [bob.id] })];
    expect(await listed(ada, `member=${ada.id}`)).toEqual(made.map(numberOf).reverse());
    expect(await listed(ada, `member=${bob.id}`)).toEqual([numberOf(made[1] ?? "")]);
  });
});

describe("what a newcomer sees of a group's past", () => {
  const history = (setting: unknown) =>
    system.operator.patch("/v1/apps/demo", { settings: { history: setting } });

  test("all, unless the app says otherwise", async () => {
    const chat = await create(ada);
    await say(ada, chat, "before");
    await ada.api.put(`${chat}/members/${bob.id}`);
    expect((await bob.api.get(`${chat}/messages`)).body.data).toMatchObject([
      { event: { type: "joined", user: bob.id } },
      { text: "before" },
    ]);
  });

  test("nothing: not in pages, changes, search, streams, quotes, forwards, forks or by number", async () => {
    const chat = await create(ada);
    await say(ada, chat, "the secret past", "second");
    expect((await history("none")).status).toBe(200);
    await ada.api.put(`${chat}/members/${bob.id}`);
    expect(await seen(bob, chat)).not.toHaveProperty("latest");
    await say(ada, chat, "the open present");
    await history("all");
    await system.settle();
    const numbers = async (url: string): Promise<number[]> =>
      (await bob.api.get(url)).body.data.map(({ number }: { number: number }) => number);
    for (const query of ["", "?after=0", "?around=1", "?limit=1&before=4", "?branch=main"]) {
      expect([query, await numbers(`${chat}/messages${query}`)]).toEqual([
        query,
        query.includes("after") ? [3, 4] : [4, 3].slice(query.includes("before=4") ? 1 : 0),
      ]);
    }
    expect((await bob.api.get(`${chat}/messages`)).body).toMatchObject({ hasMore: false, next: null });
    expect(await numbers(`${chat}/changes`)).toEqual([3, 4]);
    for (const url of ["messages/1", "messages/1/edits"]) {
      expect([url, (await bob.api.get(`${chat}/${url}`)).status]).toEqual([url, 404]);
    }
    const found = await bob.api.get(`/v1/apps/demo/search?q=the`);
    expect(found.body.data.map(({ message }: { message: { number: number } }) => message.number)).toEqual([
      4,
    ]);
    const post = (draft: object) => bob.api.post(`${chat}/messages`, draft);
    expect((await post({ text: "Re", replyTo: 1 })).status).toBe(400);
    expect((await post({ forwardOf: { chat: numberOf(chat), message: 1 } })).status).toBe(400);
    expect((await bob.api.post(`${chat}/forks`, { at: 2 })).status).toBe(400);
    const { body: fork } = await bob.api.post(`${chat}/forks`, { at: 4 });
    expect((await bob.api.get(`${chats}/${fork.number}/messages`)).body.data).toMatchObject([
      { number: 2, text: "the open present" },
      { number: 1, event: { type: "joined" } },
    ]);
    const reported = { message: { chat: numberOf(chat), message: 1 }, reason: "?" };
    expect((await bob.api.post("/v1/apps/demo/reports", reported)).status).toBe(404);
    for (const url of [`${chat}/events?after=0`, "/v1/apps/demo/events"]) {
      await using stream = await open(bob, url);
      await ada.api.patch(`${chat}/messages/1`, { text: `the secret past, for ${url}` });
      await ada.api.patch(`${chat}/messages/4`, { text: `the open present, for ${url}` });
      await stream.until(has("message.changed"));
      expect(JSON.stringify(stream.events)).not.toContain("secret");
    }
    expect((await ada.api.get(`${chat}/messages`)).body.data).toHaveLength(4);
  });

  test("the last days", async () => {
    const chat = await create(ada);
    await say(ada, chat, "long ago");
    system.suite.kernel.clock.advance(3 * 24 * 3600 * 1000);
    ada = await system.signIn(`ada-${people}@own.test`);
    await say(ada, chat, "yesterday");
    await history({ days: 2 });
    await ada.api.put(`${chat}/members/${bob.id}`);
    await history("all");
    bob = await system.signIn(`bob-${people}@own.test`);
    const { body } = await bob.api.get(`${chat}/messages`);
    expect(body.data).toMatchObject([{ event: { type: "joined" } }, { number: 2, text: "yesterday" }]);
    expect((await bob.api.get(`${chat}/messages/1`)).status).toBe(404);
    expect((await history({ days: 0 })).status).toBe(400);
  });
});
