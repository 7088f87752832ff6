import { beforeAll, describe, expect, test } from "vitest";
import { PAGE_LIMIT_MAX, TEXT_CHARS_MAX } from "../../../shared/chat/contract.ts";
import { startSystem } from "../../../shared/testing/start-system.ts";
import { startChat, stayAtOneInstance, usePeople, useSystem } from "../../../shared/testing/use-system.ts";

const system = useSystem();
const [ada, bob] = usePeople(system, "ada@example.test", "bob@example.test");

const chats = "/v1/apps/demo/chats";
const newChat = async (): Promise<string> => (await startChat(ada.api, { members: [bob] })).path;
const numbersIn = (page: { data: { number: number }[] }): number[] => page.data.map(({ number }) => number);

describe("appending", () => {
  test("answers with the stored message, numbered from one", async () => {
    const chat = await newChat();
    const first = await ada.api.post(`${chat}/messages`, { text: "Hello" });
    expect(first.status).toBe(201);
    expect(first.body).toMatchObject({
      number: 1,
      revision: 2,
      branch: "main",
      parent: null,
      sender: { id: ada.id },
      role: "user",
      text: "Hello",
      status: "complete",
      reactions: {},
    });
    const second = await bob.api.post(`${chat}/messages`, { text: "Hi", replyTo: 1 });
    expect(second.body).toMatchObject({ number: 2, parent: 1, replyTo: 1 });
    expect((await ada.api.get(`${chat}/messages/2`)).body).toEqual(second.body);
  });

  test("the same key gives the same message; another body is refused", async () => {
    const chat = await newChat();
    const key = { "idempotency-key": '"m-1"' };
    const first = await ada.api.post(`${chat}/messages`, { text: "Once" }, key);
    const again = await ada.api.post(`${chat}/messages`, { text: "Once" }, key);
    expect([again.status, again.body]).toEqual([201, first.body]);
    expect(again.headers.get("idempotency-replayed")).toBe("true");
    expect(first.headers.get("idempotency-replayed")).toBeNull();
    const other = await ada.api.post(`${chat}/messages`, { text: "Other" }, key);
    expect([other.status, other.body.code]).toEqual([422, "idempotency_key_reused"]);
    expect((await ada.api.get(chat)).body.messagesCount).toBe(1);
  });

  test("the same key fifty times at once is one commit and one answer", async () => {
    const chat = await newChat();
    await ada.api.post(`${chat}/messages`, { text: "First" });
    const key = { "idempotency-key": "m-50" };
    const answers: { status: number; body: object }[] = [];
    const cost = await system.meterRequest(async () => {
      const posts = Array.from({ length: 50 }, () => ada.api.post(`${chat}/messages`, { text: "Once" }, key));
      answers.push(...(await Promise.all(posts)));
    });
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
    expect(new Set(answers.map(({ body }) => JSON.stringify(body))).size).toBe(1);
    expect(cost.billed.writes).toBeLessThanOrEqual(2 + 2);
    expect((await ada.api.get(chat)).body.messagesCount).toBe(2);
  });

  test("sixty-four at once in one process are numbered without gap in far fewer commits", async () => {
    const chat = await newChat();
    await ada.api.post(`${chat}/messages`, { text: "First" });
    let bodies: { number: number }[] = [];
    const cost = await system.meterRequest(async () => {
      const posts = Array.from({ length: 64 }, (_, index) =>
        ada.api.post(`${chat}/messages`, { text: `${index}` }),
      );
      bodies = (await Promise.all(posts)).map(({ body }) => body);
    });
    expect(bodies.map(({ number }) => number).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 64 }, (_, index) => index + 2),
    );
    expect(cost.rpcs["firestore.Commit"]).toBeLessThan(24);
  });

  test.each([
    ["no text", {}],
    ["empty text", { text: "" }],
    ["too long a text", { text: "x".repeat(TEXT_CHARS_MAX + 1) }],
    ["a lone surrogate", { text: "a\ud800b" }],
    ["NUL", { text: "a\u0000b" }],
    ["an escape sequence", { text: "\u001b[31mred" }],
    ["a number of its own", { text: "x", number: 5 }],
    ["a sender of its own", { text: "x", sender: { id: "someone" } }],
    ["a role of its own", { text: "x", role: "system" }],
    ["a reply to nothing", { text: "x", replyTo: 999 }],
  ])("%s is refused and changes nothing", async (_, body) => {
    const chat = await newChat();
    const answer = await ada.api.post(`${chat}/messages`, body);
    expect([answer.status, answer.body.code]).toEqual([400, "invalid_request"]);
    expect((await ada.api.get(chat)).body.messagesCount).toBe(0);
  });

  test.each([
    ["the longest text", "x".repeat(TEXT_CHARS_MAX)],
    ["emoji sequences", "👩‍👩‍👧‍👦 🏳️‍🌈 é"],
    ["right to left", "שלום עליכם ‏"],
    ["markup", "<script>alert(1)</script> & <b>"],
    ["line breaks and tabs", "a\r\n\tb\n"],
    ["zero-width characters", "a\u200bb\u2060c\ufeff"],
  ])("%s is returned as it was sent", async (_, text) => {
    const chat = await newChat();
    await ada.api.post(`${chat}/messages`, { text });
    const { body } = await bob.api.get(`${chat}/messages`);
    expect(body.data[0].text).toBe(text);
  });

  test.each(['""', '"open', "x".repeat(256)])("the Idempotency-Key %j is refused", async (key) => {
    const chat = await newChat();
    const answer = await ada.api.post(`${chat}/messages`, { text: "x" }, { "idempotency-key": key });
    expect(answer.status).toBe(400);
  });
});

describe("paging", () => {
  let chat: string;
  const COUNT = 130;
  beforeAll(async () => {
    chat = await newChat();
    const posts = Array.from({ length: COUNT }, (_, index) =>
      ada.api.post(`${chat}/messages`, { text: `${index}` }),
    );
    await Promise.all(posts);
    await system.settle();
  });
  const range = (from: number, to: number): number[] =>
    Array.from({ length: Math.abs(to - from) + 1 }, (_, index) => (from < to ? from + index : from - index));
  const page = async (query: string) => (await bob.api.get(`${chat}/messages?${query}`)).body;

  test("newest first by default, fifty at a time", async () => {
    const newest = await page("");
    expect(numbersIn(newest)).toEqual(range(COUNT, COUNT - 49));
    expect(newest.hasMore).toBe(true);
  });

  test("before, after and around a message", async () => {
    expect(numbersIn(await page("before=11&limit=5"))).toEqual(range(10, 6));
    expect(numbersIn(await page("after=10&limit=5"))).toEqual(range(11, 15));
    expect(numbersIn(await page("around=60&limit=5"))).toEqual(range(62, 58));
    expect(numbersIn(await page("around=1&limit=5")).at(-1)).toBe(1);
  });

  test("cursors lead through everything once, both ways", async () => {
    const seen: number[] = [];
    let current = await page("limit=40");
    for (;;) {
      seen.push(...numbersIn(current));
      if (current.next === null) break;
      current = await page(`limit=40&cursor=${current.next}`);
    }
    expect(seen).toEqual(range(COUNT, 1));
    expect(current.hasMore).toBe(false);
    const back = await page(`limit=10&cursor=${current.prev}`);
    expect(numbersIn(back)).toEqual(range(11, 20));
  });

  test("beyond either end there is nothing, no error, and a way back", async () => {
    const before = await page("before=1");
    expect(before).toMatchObject({ data: [], hasMore: false, next: null });
    expect(numbersIn(await page(`limit=3&cursor=${before.prev}`))).toEqual([1, 2, 3]);
    const behind = await page(`after=${COUNT}`);
    expect(behind).toMatchObject({ data: [], hasMore: false, prev: null });
    expect(numbersIn(await page(`limit=3&cursor=${behind.next}`))).toEqual(range(COUNT, COUNT - 2));
  });

  test.each([
    "limit=0",
    `limit=${PAGE_LIMIT_MAX + 1}`,
    "limit=x",
    "before=1&after=2",
    "before=-1",
    "sort=up",
    "before=1&before=2",
  ])("%s is refused", async (query) => {
    expect((await bob.api.get(`${chat}/messages?${query}`)).status).toBe(400);
  });

  test("a cursor of another chat is refused", async () => {
    const other = await newChat();
    const { next } = await page("limit=5");
    expect((await bob.api.get(`${other}/messages?cursor=${next}`)).status).toBe(400);
    expect((await ada.api.get(`${chat}/messages?cursor=${next}`)).status).toBe(400);
  });

  test("an unchanged page costs one read", async () => {
    const { headers } = await bob.api.get(`${chat}/messages`);
    const cost = await system.meter(async () => {
      const again = await bob.api.get(`${chat}/messages`, { "if-none-match": headers.get("etag") ?? "" });
      expect([again.status, again.body]).toEqual([304, ""]);
    });
    expect(cost.rpcs).toEqual({ "firestore.BatchGetDocuments": 1 });
    expect(cost.billed).toEqual({ reads: 1, writes: 0, deletes: 0 });
  });
});

describe("budgets", () => {
  test("appending to a chat this instance knows: 1 commit, 2 writes, no read, 1 publish", async () => {
    stayAtOneInstance(system);
    const chat = await newChat();
    await ada.api.post(`${chat}/messages`, { text: "First" });
    const cost = await system.meterRequest(() => ada.api.post(`${chat}/messages`, { text: "Second" }));
    expect(cost.rpcs).toEqual({ "firestore.Commit": 1, "pubsub.Publish": 1 });
    expect(cost.billed).toEqual({ reads: 0, writes: 2, deletes: 0 });
    expect(cost.publishes).toBe(1);
  });

  test("appending to a chat it does not know: one read more at most", async () => {
    const chat = await newChat();
    await using elsewhere = await system.anotherInstance();
    const api = elsewhere.as(ada);
    // Loads the signing keys, once in the life of an instance.
    await api.get(`${chats}?limit=0`);
    const cost = await system.meterRequest(() => api.post(`${chat}/messages`, { text: "From afar" }));
    expect(cost.rpcs["firestore.Commit"]).toBe(1);
    expect(cost.billed).toEqual({ reads: 1, writes: 2, deletes: 0 });
  });

  test("creating a chat costs one commit, and no read once the app is known", async () => {
    // Where no other instance has made chats of late.
    await using alone = await startSystem({ instances: 1 });
    const { api } = await alone.signIn("ada@alone.test");
    await api.post(chats, { kind: "group" });
    const plain = await alone.meterRequest(() => api.post(chats, { kind: "group" }));
    expect(plain.rpcs["firestore.Commit"]).toBe(1);
    expect(plain.billed).toEqual({ reads: 0, writes: 2, deletes: 0 });
    const keyed = await alone.meterRequest(() =>
      api.post(chats, { kind: "group" }, { "idempotency-key": "k" }),
    );
    expect(keyed.billed.writes).toBe(3);
  });

  test("a list of chats costs one query and one document", async () => {
    const { body } = await ada.api.get(`${chats}?limit=2`);
    expect(body.hasMore).toBe(true);
    const cost = await system.meterRequest(() => ada.api.get(`${chats}?limit=2`));
    expect(cost.rpcs).toEqual({ "firestore.BatchGetDocuments": 1, "firestore.RunQuery": 1 });
    // One chat beyond the page tells whether there is more.
    expect(cost.billed.reads).toBe(2 + 1 + 1);
  });
});

test("two instances appending to one chat leave neither gap nor double", async () => {
  const chat = await newChat();
  await using elsewhere = await system.anotherInstance();
  const there = elsewhere.as(bob);
  const posts = Array.from({ length: 40 }, (_, index) =>
    (index % 2 === 0 ? ada.api : there).post(`${chat}/messages`, { text: `${index}` }),
  );
  const numbers = (await Promise.all(posts)).map(({ body }) => body.number).sort((a, b) => a - b);
  expect(numbers).toEqual(Array.from({ length: 40 }, (_, index) => index + 1));
});
