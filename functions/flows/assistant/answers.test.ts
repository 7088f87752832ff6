import { describe, expect, test } from "vitest";
import { LEASE_MS } from "../../../shared/assistant/claim-answer.ts";
import { ATTEMPTS_MAX } from "../../../shared/assistant/contract.ts";
import type { Message } from "../../../shared/chat/contract.ts";
import { EventStream, type SseEvent } from "../../../shared/testing/event-stream.ts";
import {
  startChat,
  stayAtOneInstance,
  useInstance,
  useModelPace,
  usePeople,
  useSystem,
} from "../../../shared/testing/use-system.ts";

const system = useSystem();
const elsewhere = useInstance(system);
const [ada] = usePeople(system, "ada@answers.test");
useModelPace(system, { firstTokenMs: 5, tokensPerSecond: 5_000 });

const chats = "/v1/apps/demo/chats";
const newChat = async (): Promise<string> =>
  (await startChat(ada.api, { kind: "assistant", title: "Questions" })).path;
const messageAt = async (chat: string, number: number): Promise<Message> =>
  (await ada.api.get(`${chat}/messages/${number}`)).body;

/** The answer once it is finished; tasks that have to be tried again are. */
async function answered(chat: string, number: number): Promise<Message> {
  await expect
    .poll(async () => (await messageAt(chat, number)).status, { interval: 20, timeout: 15_000 })
    .toMatch(/complete|stopped|failed/);
  return messageAt(chat, number);
}

/** Opens the stream that answers a question where it is asked. */
const ask = async (chat: string, text: string, base = system.url): Promise<EventStream> => {
  const abort = { method: "POST", body: JSON.stringify({ text }) };
  return EventStream.open(
    `${base}${chat}/messages`,
    ada,
    { accept: "text/event-stream", "content-type": "application/json" },
    abort,
  );
};

/** What a reader has after these events. */
function textOf(events: readonly SseEvent[]): string {
  let text = "";
  for (const { event, data } of events) {
    if (event === "answer.reset") text = "";
    if (event === "answer.delta") {
      if (data.offset !== text.length) throw new Error(`Told ${data.offset} after ${text.length}.`);
      text += data.text;
    }
  }
  return text;
}
const isDone = (events: readonly SseEvent[]): boolean => events.some(({ event }) => event === "answer.done");

describe("a question", () => {
  test("is appended with its queued answer in one commit, and answered in the background", async () => {
    const chat = await newChat();
    const { status, body } = await ada.api.post(`${chat}/messages`, { text: "What is 12 times 7?" });
    expect(status).toBe(201);
    expect(body).toMatchObject({ number: 1, role: "user", answer: { number: 2 } });
    const answer = await answered(chat, 2);
    expect(answer).toMatchObject({ role: "assistant", parent: 1, status: "complete", branch: "main" });
    expect(answer.text).toContain("84");
    expect(answer.sender).toEqual({ model: answer.usage?.model });
    expect(answer.usage?.outputTokens).toBeGreaterThan(0);
    expect((await ada.api.get(chat)).body).toMatchObject({
      messagesCount: 2,
      revision: 4,
      latest: { number: 2, text: answer.text },
    });
    await system.settle();
    const { body: usage } = await system.operator.get("/v1/apps/demo/usage");
    expect(usage.data.at(-1)).toMatchObject({ answers: 1, outputTokens: answer.usage?.outputTokens });
  });

  test("asked twice under one key is answered once", async () => {
    const chat = await newChat();
    const before = system.suite.model.show().calls;
    const key = { "idempotency-key": "once" };
    const [first, again] = await Promise.all(
      [1, 2].map(() => ada.api.post(`${chat}/messages`, { text: "Hello" }, key)),
    );
    expect(again?.body).toEqual(first?.body);
    await answered(chat, 2);
    await system.settle();
    const after = system.suite.model.show().calls;
    expect(totalOf(after) - totalOf(before)).toBe(1);
    expect((await ada.api.get(chat)).body.messagesCount).toBe(2);
  });

  test("the model knows what was said before, on this branch only", async () => {
    const chat = await newChat();
    await ada.api.post(`${chat}/messages`, { text: "My favourite colour is teal" });
    await answered(chat, 2);
    await ada.api.post(`${chat}/messages`, { text: "What did I say before?" });
    expect((await answered(chat, 4)).text).toContain("teal");
    await ada.api.post(`${chat}/messages`, { text: "What did I say before?", after: 0 });
    expect((await answered(chat, 6)).text).not.toContain("teal");
  });
});

const totalOf = (calls: ReturnType<typeof system.suite.model.show>["calls"]): number =>
  Object.values(calls.byModel).reduce((sum, { calls: count }) => sum + count, 0);

describe("an answer that is streamed to who asks", () => {
  test("comes in order, is what is stored, and ends the stream", async () => {
    const chat = await newChat();
    await using stream = await ask(chat, "Write 200 words about rivers");
    expect(stream.headers.get("content-type")).toBe("text/event-stream");
    await stream.ended;
    expect(stream.events[0]).toMatchObject({ event: "message.created", data: { message: { number: 1 } } });
    expect(stream.events.at(-1)?.event).toBe("answer.done");
    const stored = await messageAt(chat, 2);
    expect(textOf(stream.events)).toBe(stored.text);
    expect(stream.events.at(-1)?.data.message).toEqual(stored);
  });

  test("goes on when the reader leaves, and is whole for whoever comes", async () => {
    const chat = await newChat();
    system.suite.model.change({ tokensPerSecond: 400 });
    const stream = await ask(chat, "Write 200 words about the sea");
    await stream.until((all) => textOf(all).length > 20);
    await stream[Symbol.asyncDispose]();
    const answer = await answered(chat, 2);
    expect(answer.status).toBe("complete");
    await using late = await EventStream.open(`${elsewhere.url}${chat}/messages/2/stream`, ada);
    await late.ended;
    expect(textOf(late.events)).toBe(answer.text);
  });

  test("is followed by other devices on other instances, late and resumed, to the same text", async () => {
    const chat = await newChat();
    system.suite.model.change({ tokensPerSecond: 300 });
    await using live = await EventStream.open(`${elsewhere.url}${chat}/events`, ada);
    await using here = await ask(chat, "Write 300 words about mountains");
    await here.until((all) => textOf(all).length > 100);
    const told: SseEvent[] = [];
    let last: string | undefined;
    while (!isDone(told)) {
      const headers: Record<string, string> = last === undefined ? {} : { "last-event-id": last };
      await using part = await EventStream.open(`${elsewhere.url}${chat}/messages/2/stream`, ada, headers);
      await part.until((all) => all.length >= 2 || isDone(all));
      told.push(...part.events);
      last = part.lastEventId;
    }
    await here.ended;
    await live.until(isDone);
    const stored = await messageAt(chat, 2);
    expect(textOf(told)).toBe(stored.text);
    expect(textOf(here.events)).toBe(stored.text);
    expect(textOf(live.events)).toBe(stored.text);
  });
});

describe("stopping", () => {
  test("ends an answer from any device, and keeps what was said", async () => {
    const chat = await newChat();
    system.suite.model.change({ tokensPerSecond: 50 });
    await using stream = await ask(chat, "Write 900 words about deserts");
    await stream.until((all) => textOf(all).length > 40);
    expect((await elsewhere.as(ada).delete(`${chat}/messages/2/answer`)).status).toBe(204);
    await stream.ended;
    const stored = await messageAt(chat, 2);
    expect(stored.status).toBe("stopped");
    expect(stored.text.length).toBeGreaterThan(40);
    expect(textOf(stream.events)).toBe(stored.text);
    expect((await ada.api.delete(`${chat}/messages/2/answer`)).status).toBe(204);
  });

  test("is for answers, and for those who can read them", async () => {
    const chat = await newChat();
    await ada.api.post(`${chat}/messages`, { text: "Hello" });
    await answered(chat, 2);
    expect((await ada.api.delete(`${chat}/messages/1/answer`)).status).toBe(409);
    const eve = await system.signIn("eve@answers.test");
    expect((await eve.api.delete(`${chat}/messages/2/answer`)).status).toBe(404);
  });
});

describe("another answer", () => {
  test("is a sibling on a branch of its own, however often the request is repeated", async () => {
    const chat = await newChat();
    await ada.api.post(`${chat}/messages`, { text: "Hello" });
    await answered(chat, 2);
    const key = { "idempotency-key": "again" };
    const { status, body } = await ada.api.post(`${chat}/messages/2/answer`, {}, key);
    expect(status).toBe(202);
    expect(body).toMatchObject({ number: 3, parent: 1, role: "assistant", branch: "b3" });
    expect((await ada.api.post(`${chat}/messages/2/answer`, {}, key)).body.number).toBe(3);
    await answered(chat, 3);
    const { body: page } = await ada.api.get(`${chat}/messages`);
    expect(page.data.map(({ number }: Message) => number)).toEqual([3, 1]);
    const { body: main } = await ada.api.get(`${chat}/messages?branch=main`);
    expect(main.data.map(({ number }: Message) => number)).toEqual([2, 1]);
    const group = await ada.api.post(chats, { kind: "group" });
    await ada.api.post(`${chats}/${group.body.number}/messages`, { text: "No model here" });
    expect((await ada.api.post(`${chats}/${group.body.number}/messages/1/answer`, {})).status).toBe(409);
  });
});

describe("a model that fails", () => {
  test.each(["429", "500", "drop"] as const)(
    "with %s is asked again, and the answer is whole",
    async (fault) => {
      const chat = await newChat();
      system.suite.model.change({ fault, after: 5 });
      await using stream = await ask(chat, "Write 100 words about lakes");
      await expect
        .poll(() => system.suite.model.show().calls.recent.length, { interval: 10 })
        .toBeGreaterThan(0);
      await stream.until((all) => all.length > 0);
      system.suite.model.change({ firstTokenMs: 5, tokensPerSecond: 5_000 });
      const answer = await answered(chat, 2);
      expect(answer.status).toBe("complete");
      await stream.until(isDone);
      expect(textOf(stream.events)).toBe(answer.text);
    },
  );

  test("again and again in the midst is given up, and says so", { timeout: 30_000 }, async () => {
    const chat = await newChat();
    system.suite.model.change({ fault: "drop", after: 2 });
    await ada.api.post(`${chat}/messages`, { text: "Nobody knows this" });
    const answer = await answered(chat, 2);
    expect(answer).toMatchObject({ status: "failed", text: expect.stringContaining("again") });
    const stored = await system.deps.firestore
      .collection(`apps/demo/chats/${chat.split("/").at(-1)}/messages`)
      .get();
    const attempts = stored.docs.map((document) => document.get("answer.attempts") ?? 0);
    expect(Math.max(...attempts)).toBe(ATTEMPTS_MAX);
  });

  test("an answer that nobody is making is found by the schedule", async () => {
    const chat = await newChat();
    system.fault({ service: "tasks", method: "CreateTask", kind: "before", code: "UNAVAILABLE", count: 3 });
    await ada.api.post(`${chat}/messages`, { text: "Hello" });
    system.clearFaults();
    await system.settle();
    expect((await messageAt(chat, 2)).status).toBe("queued");
    system.suite.kernel.clock.advance(2 * LEASE_MS + 60_000);
    await system.runSchedule("recover-answers");
    expect((await answered(chat, 2)).status).toBe("complete");
  });
});

test("feedback is kept, one for each person and answer", async () => {
  const chat = await newChat();
  await ada.api.post(`${chat}/messages`, { text: "Hello" });
  await answered(chat, 2);
  expect((await ada.api.put(`${chat}/messages/2/feedback`, { value: "down", comment: "Dull" })).status).toBe(
    204,
  );
  expect((await ada.api.put(`${chat}/messages/2/feedback`, { value: "up" })).status).toBe(204);
  expect((await ada.api.put(`${chat}/messages/1/feedback`, { value: "up" })).status).toBe(409);
  expect((await ada.api.put(`${chat}/messages/2/feedback`, { value: "so-so" })).status).toBe(400);
});

test("an answer of 2,000 tokens costs fewer than 20 writes", { timeout: 60_000 }, async () => {
  const chat = await newChat();
  system.suite.model.change({ firstTokenMs: 5, tokensPerSecond: 20_000 });
  await ada.api.post(`${chat}/messages`, { text: "Write 2000 tokens about the weather" });
  const answer = await answered(chat, 2);
  expect(answer.usage?.outputTokens).toBeGreaterThanOrEqual(1_900);
  const stored = system.deps.firestore.doc(`apps/demo/chats/${chat.split("/").at(-1)}/messages/${answer.id}`);
  const segments = await stored.collection("segments").count().get();
  // The claim, the segments, and the commit of message and head.
  expect(1 + segments.data().count + 2).toBeLessThan(20);
});

describe("costs", () => {
  const billed = async (run: (chat: string) => Promise<unknown>): Promise<object> => {
    stayAtOneInstance(system);
    const chat = await newChat();
    await ada.api.post(`${chat}/messages`, { text: "Hello" });
    await answered(chat, 2);
    const cost = await system.meterRequest(() => run(chat));
    return { ...cost.billed, publishes: cost.publishes, tasks: cost.tasks };
  };
  const free = { reads: 0, writes: 0, deletes: 0, publishes: 0, tasks: 0 };

  test("asking: the commit with one write more, and a task", async () => {
    expect(await billed((chat) => ada.api.post(`${chat}/messages`, { text: "And?" }))).toEqual({
      ...free,
      writes: 3,
      publishes: 1,
      tasks: 1,
    });
  });

  test("asking again: the question, where it is, and a branch", async () => {
    expect(await billed((chat) => ada.api.post(`${chat}/messages/2/answer`, {}))).toEqual({
      ...free,
      reads: 2 + 2 + 1,
      writes: 4,
      publishes: 1,
      tasks: 1,
    });
  });

  test("stopping what is finished, and feedback", async () => {
    expect(await billed((chat) => ada.api.delete(`${chat}/messages/2/answer`))).toEqual({
      ...free,
      reads: 2,
    });
    expect(await billed((chat) => ada.api.put(`${chat}/messages/2/feedback`, { value: "up" }))).toEqual({
      ...free,
      reads: 2,
      writes: 1,
    });
  });

  test("following: the message and its head", async () => {
    stayAtOneInstance(system);
    // The instance that serves streams knows the app from then on.
    await (await EventStream.open(`${system.url}/v1/apps/demo/events`, ada))[Symbol.asyncDispose]();
    const cost = await billed(async (chat) => {
      await using stream = await EventStream.open(`${system.url}${chat}/messages/2/stream`, ada);
      await stream.ended;
    });
    expect(cost).toEqual({ ...free, reads: 2 });
  });
});
