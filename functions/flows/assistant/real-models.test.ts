import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { ATTEMPTS_MAX } from "../../../shared/assistant/contract.ts";
import { chatHandle } from "../../../shared/chat/chat-handle.ts";
import { writeSegment } from "../../../shared/chat/log/segments.ts";
import { appHandle } from "../../../shared/identity/app.ts";
import type { Chat, Message } from "../../../shared/chat/contract.ts";
import { EventStream } from "../../../shared/testing/event-stream.ts";
import { ENDED, refuse, sse, startProvider, thought, word } from "../../../shared/testing/own-provider.ts";
import type { Person } from "../../../shared/testing/start-system.ts";
import { startChat, useResource, useSystem } from "../../../shared/testing/use-system.ts";

/**
 * How one provider that misbehaves is seen by people, money, titles and other apps: one system and one
 * provider for all of it, as each case leaves what the next must not see.
 */

const WINDOW_TOKENS = 16_000;
const MODELS = ["main", "spare", "slow-start", "limited", "broken", "breaking", "dear"];

let ada: Person;
const provider = useResource(startProvider);
const system = useSystem(() => ({
  env: {
    MODEL_BASE_URL: provider.baseUrl,
    MODEL_FAST: "main",
    MODEL_SLOW: "main",
    MODELS: JSON.stringify([
      ...MODELS.map((id) => ({ id, windowTokens: WINDOW_TOKENS })),
      { id: "labelled", label: "A model with a name" },
    ]),
  },
}));
beforeAll(() => signIn());
afterEach(() => provider.answer((_, response) => void response.end(sse(word("Hello"), ENDED))));

const chats = "/v1/apps/demo/chats";
const newChat = async (draft: object = {}): Promise<string> =>
  (await startChat(ada.api, { kind: "assistant", title: "Models", ...draft })).path;
const messageAt = async (chat: string, number: number): Promise<Message> =>
  (await system.operator.get(`${chat}/messages/${number}`)).body;
/** Hours may have passed, and a person's token with them. */
const advance = async (ms: number): Promise<void> => {
  system.suite.kernel.clock.advance(ms);
  await system.suite.tasks.idle(system.project);
};
const signIn = async (): Promise<void> => {
  ada = await system.signIn("ada@models.test");
};
async function until(chat: string, number: number, isThere: (message: Message) => boolean): Promise<Message> {
  await expect
    .poll(async () => isThere(await messageAt(chat, number)), { interval: 20, timeout: 15_000 })
    .toBe(true);
  return messageAt(chat, number);
}
const isEnded = ({ status }: Message): boolean => status !== "queued" && status !== "streaming";
async function ask(chat: string, text: string): Promise<Message> {
  const { body } = await ada.api.post(`${chat}/messages`, { text });
  return until(chat, body.answer.number, isEnded);
}

describe("what the model is given", () => {
  test("is the pasted document, whole, however long it is for its window", async () => {
    const chat = await newChat();
    const document = `BEGIN ${"The ferry leaves at nine. ".repeat(850)} END`;
    expect(document.length).toBeGreaterThan(22_000);
    await ask(chat, document);
    await ask(chat, "What did I paste?");
    expect(provider.calls.at(-1)?.messages).toEqual([
      { role: "user", content: document },
      { role: "assistant", content: "Hello" },
      { role: "user", content: "What did I paste?" },
    ]);
  });

  test("never begins with an answer, and no role stands twice", async () => {
    const chat = await newChat({ instructions: "Be kind.", temperature: 0.3 });
    await ask(chat, "One");
    await ada.api.delete(`${chat}/messages/1`);
    provider.answer((_, response) => refuse(response, 400, "no"));
    await ask(chat, "Two");
    provider.answer((_, response) => void response.end(sse(word("Hello"), ENDED)));
    await ask(chat, "Three");
    const last = provider.calls.at(-1);
    expect(last?.messages).toEqual([
      { role: "system", content: "Be kind." },
      { role: "user", content: "Two\n\nThree" },
    ]);
    expect(last?.body["temperature"]).toBe(0.3);
  });

  test("is less, once, when it finds it too long", async () => {
    const chat = await newChat();
    const lengths: number[] = [];
    provider.answer(({ messages }, response) => {
      lengths.push(JSON.stringify(messages).length);
      if (lengths.length === 1) refuse(response, 400, "maximum context length is 4096 tokens");
      else response.end(sse(word("Shorter"), ENDED));
    });
    const answer = await ask(chat, "A long question. ".repeat(1_500));
    expect(answer).toMatchObject({ status: "complete", text: "Shorter" });
    expect(lengths).toHaveLength(2);
    expect(lengths[1]).toBeLessThan((lengths[0] ?? 0) * 0.7);
  });
});

describe("a provider that asks for patience", () => {
  test("is not called before its Retry-After, and the answer is made when it is back", async () => {
    const times: number[] = [];
    const { clock } = system.suite.kernel;
    provider.answer(({ model }, response) => {
      if (model !== "limited") return refuse(response, 503, "spare is down");
      times.push(clock.now());
      if (times.length === 1) refuse(response, 429, "slow down", { "retry-after": "20" });
      else response.end(sse(word("At last"), ENDED));
    });
    const chat = await newChat({ model: "limited" });
    await ada.api.post(`${chat}/messages`, { text: "Now?" });
    await until(chat, 2, ({ served }) => served?.as === "queued");
    await advance(19_000);
    expect(times).toHaveLength(1);
    await advance(60_000);
    expect(await until(chat, 2, isEnded)).toMatchObject({ status: "complete", text: "At last" });
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(20_000);
  });

  test("is waited for by the first who asks, too, for as long as it says nothing", async () => {
    provider.answer((_, response) => refuse(response, 500, "down"));
    const chat = await newChat({ model: "broken" });
    await ada.api.post(`${chat}/messages`, { text: "Anybody there?" });
    expect(await until(chat, 2, ({ served }) => served?.as === "queued")).toMatchObject({ status: "queued" });
    for (let turn = 0; turn < 6; turn += 1) {
      await advance(15 * 60_000);
      expect((await messageAt(chat, 2)).status).not.toBe("failed");
    }
    provider.answer((_, response) => void response.end(sse(word("Yes"), ENDED)));
    await advance(3600_000);
    expect(await until(chat, 2, isEnded)).toMatchObject({ status: "complete", text: "Yes" });
    await signIn();
  });
});

describe("thinking", () => {
  test("is told as such, kept apart, and neither found nor given back", async () => {
    const chat = await newChat();
    provider.answer((_, response) => void response.end(sse(thought("Marmalade first."), word("Tea"), ENDED)));
    await using stream = await EventStream.open(
      `${system.url}${chat}/messages`,
      ada,
      { accept: "text/event-stream", "content-type": "application/json" },
      { method: "POST", body: JSON.stringify({ text: "Breakfast?" }) },
    );
    await stream.ended;
    const events = stream.events.filter(({ event }) => event === "answer.thinking");
    expect(events.map(({ data }) => data.text).join("")).toBe("Marmalade first.");
    const answer = await messageAt(chat, 2);
    expect(answer).toMatchObject({ text: "Tea", thinking: { text: "Marmalade first." } });
    expect(answer.thinking?.tokens).toBeGreaterThan(0);
    await ask(chat, "And then?");
    expect(JSON.stringify(provider.calls.at(-1)?.messages)).not.toContain("Marmalade");
    await system.settle();
    expect((await ada.api.get("/v1/apps/demo/search?q=marmalade")).body.data).toEqual([]);
  });

  test("without a word that follows is complete, says why, and is not given again", async () => {
    const end = { choices: [{ index: 0, delta: {}, finish_reason: "length" }] };
    provider.answer((_, response) => void response.end(sse(thought("Hmm."), end)));
    const question = "What is the last digit of pi?";
    expect(await ask(await newChat(), question)).toMatchObject({
      status: "complete",
      text: "",
      finishReason: "length",
    });
    provider.answer((_, response) => refuse(response, 500, "down"));
    const chat = await newChat();
    await ada.api.post(`${chat}/messages`, { text: question });
    expect(await until(chat, 2, ({ served }) => served !== undefined)).toMatchObject({
      served: { as: "queued" },
    });
    await ada.api.delete(`${chat}/messages/2/answer`);
  });
});

describe("an answer under way", () => {
  /** Says one word, and the rest when the test says so. */
  const halting = (): { spoken: Promise<void>; goOn: () => void; hungUp: Promise<void> } => {
    const spoken = Promise.withResolvers<void>();
    const rest = Promise.withResolvers<void>();
    const hungUp = Promise.withResolvers<void>();
    provider.answer((call, response) => {
      response.write(sse(word("One, two, three, four, five, six, seven, eight")), () => spoken.resolve());
      void rest.promise.then(() => response.end(sse(word(" and nine"), ENDED)));
      void call.closed.then(() => hungUp.resolve());
    });
    return { spoken: spoken.promise, goOn: () => rest.resolve(), hungUp: hungUp.promise };
  };

  test("is copied by a fork as stopped, with what is there", async () => {
    const chat = await newChat();
    const { spoken, goOn } = halting();
    await ada.api.post(`${chat}/messages`, { text: "Count" });
    await spoken;
    await expect
      .poll(async () => (await system.deps.firestore.collectionGroup("segments").get()).size)
      .toBeGreaterThan(0);
    const fork = await ada.api.post(`${chat}/forks`, { at: 2 });
    const copy = await until(`${chats}/${fork.body.number}`, 2, isEnded);
    expect(copy).toMatchObject({ status: "stopped", text: "One, two, three, four, five, six, seven, eight" });
    goOn();
    expect((await until(chat, 2, isEnded)).text).toMatch(/and nine$/);
  });

  test.each(["the message", "the chat"])("hangs up and ends its stream when %s is deleted", async (what) => {
    const chat = await newChat();
    const { spoken, hungUp } = halting();
    await using stream = await EventStream.open(
      `${system.url}${chat}/messages`,
      ada,
      { accept: "text/event-stream", "content-type": "application/json" },
      { method: "POST", body: JSON.stringify({ text: "Count" }) },
    );
    await spoken;
    await ada.api.delete(what === "the chat" ? chat : `${chat}/messages/2`);
    await Promise.all([hungUp, stream.ended]);
    expect(stream.events.at(-1)).toMatchObject({
      event: "answer.done",
      data: { message: { status: "deleted" } },
    });
  });

  test("resumed from an epoch that never was is told from the beginning", async () => {
    const chat = await newChat();
    await ask(chat, "Hello");
    await using stream = await EventStream.open(`${system.url}${chat}/messages/2/stream`, ada, {
      "last-event-id": "99.3",
    });
    await stream.ended;
    const texts = stream.events.filter(({ event }) => event === "answer.delta").map(({ data }) => data.text);
    expect(texts.join("")).toBe("Hello");
  });

  test("may be edited and deleted by whoever asked, once it is whole", async () => {
    const chat = await newChat();
    await ask(chat, "Hello");
    expect((await ada.api.patch(`${chat}/messages/2`, { text: "Bonjour" })).body.text).toBe("Bonjour");
    expect((await ada.api.delete(`${chat}/messages/2`)).status).toBe(204);
  });
});

describe("money", () => {
  const spent = async (): Promise<number> => {
    const day = new Date(system.suite.kernel.clock.now()).toISOString().slice(0, 10);
    const found = await system.deps.firestore.doc(`apps/demo/budgets/${day}`).get();
    return Number(found.get("spentMicros") ?? 0);
  };
  const held = async (): Promise<object> => {
    const day = new Date(system.suite.kernel.clock.now()).toISOString().slice(0, 10);
    return ((await system.deps.firestore.doc(`apps/demo/budgets/${day}`).get()).get("held") ?? {}) as object;
  };
  beforeAll(async () => {
    const prices = {
      breaking: { inputMicros: 1_000_000, outputMicros: 10_000_000 },
      main: { inputMicros: 0, outputMicros: 0 },
    };
    const budgets = { appPerDay: 1_000_000, personPerDay: null };
    await system.operator.patch("/v1/apps/demo", { settings: { assistant: { prices, budgets } } });
  });
  afterAll(async () => {
    const budgets = { appPerDay: null, personPerDay: null };
    await system.operator.patch("/v1/apps/demo", { settings: { assistant: { budgets } } });
  });

  test("of attempts that break off is counted, each one", async () => {
    provider.answer(({ model }, response) => {
      if (model !== "breaking") return refuse(response, 400, "no");
      response.write(sse(word("word ".repeat(100))), () => setImmediate(() => response.destroy()));
    });
    const before = await spent();
    const chat = await newChat({ model: "breaking" });
    const answer = await ask(chat, "Go on");
    expect(answer.status).toBe("failed");
    const calls = provider.callsTo("breaking").length;
    expect(calls).toBeGreaterThan(1);
    // About a hundred tokens were said each time, at ten millionths each.
    expect(answer.usage?.costMicros).toBeGreaterThan(calls * 100 * 10 * 0.7);
    expect((await spent()) - before).toBe(answer.usage?.costMicros);
    expect(await held()).toEqual({});
  });

  test.each([
    { what: "is given up", status: "failed", text: "word ".repeat(100), attempts: ATTEMPTS_MAX, stop: false },
    { what: "had only thought", status: "failed", text: "", attempts: ATTEMPTS_MAX, stop: false },
    { what: "is stopped", status: "stopped", text: "word ".repeat(100), attempts: 1, stop: true },
    { what: "is tried again", status: "complete", text: "", attempts: 1, stop: false },
  ])("of an attempt that died is counted when the answer $what", async ({ status, text, attempts, stop }) => {
    provider.answer((_, response) => refuse(response, 503, "down"));
    const chat = await newChat({ model: "breaking" });
    await ada.api.post(`${chat}/messages`, { text: "Go on" });
    await until(chat, 2, ({ served }) => served?.as === "queued");
    provider.answer((_, response) => void response.end(sse(word("Hello"), ENDED)));
    const messages = system.deps.firestore.collection(`apps/demo/chats/${chat.split("/").at(-1)}/messages`);
    const [found] = (await messages.where("number", "==", 2).get()).docs;
    const epoch = Number(found?.get("answer.epoch"));
    const died = { "answer.epoch": epoch + 1, "answer.attempts": attempts, "answer.stop": stop };
    await found?.ref.update({ status: "streaming", ...died });
    const thinking = text === "" ? { thinking: { offset: 0, text: "word ".repeat(100) } } : {};
    const segment = { epoch: epoch + 1, index: 0, offset: 0, text, ...thinking };
    const nowMs = system.suite.kernel.clock.now();
    const handle = chatHandle(appHandle(system.deps.firestore, "demo"), Number(chat.split("/").at(-1)));
    await writeSegment(handle, found?.id ?? "", { ...segment, nowMs });
    await advance(3600_000);
    await system.runSchedule("recover-answers");
    const answer = await until(chat, 2, isEnded);
    await signIn();
    expect(answer.status).toBe(status);
    // About a hundred tokens were said or thought, at ten millionths each.
    expect(answer.usage?.costMicros).toBeGreaterThan(100 * 10 * 0.7);
    expect(answer.usage?.outputTokens).toBeGreaterThan(70);
  });

  test("that is held is free again when the chat is deleted meanwhile", async () => {
    const spoken = Promise.withResolvers<void>();
    const closed = Promise.withResolvers<void>();
    provider.answer((call, response) => {
      response.write(sse(word("word ".repeat(100))), () => spoken.resolve());
      void call.closed.then(() => closed.resolve());
    });
    const before = await spent();
    const chat = await newChat({ model: "breaking" });
    await ada.api.post(`${chat}/messages`, { text: "Go on" });
    await spoken.promise;
    await ada.api.delete(chat);
    await closed.promise;
    await expect.poll(held).toEqual({});
    expect(await spent()).toBeGreaterThan(before);
  });

  test("is never spent on a model without a price, nor on one that is no model", async () => {
    const count = provider.calls.length;
    const { body } = await ada.api.post(chats, { kind: "assistant", model: "constructor" });
    expect(body.code).toBe("invalid_request");
    await system.operator.patch("/v1/apps/demo", {
      settings: { assistant: { fast: ["dear"], slow: ["dear"] } },
    });
    const answer = await ask(await newChat(), "Hello");
    expect(answer).toMatchObject({ status: "failed", error: { code: "misconfigured" } });
    expect(provider.calls).toHaveLength(count);
    await system.operator.patch("/v1/apps/demo", { settings: { assistant: { fast: [], slow: [] } } });
  });
});

test("one app's refused questions change nothing for another app", async () => {
  const other = await system.createApp("Other");
  const eve = await system.signIn("eve@other.test", other.id);
  provider.answer(({ messages }, response) => {
    const isHostile = messages.at(-1)?.content.startsWith("Forbidden") ?? false;
    if (isHostile) refuse(response, 400, "content_filter: flagged by policy");
    else response.end(sse(word("Hello"), ENDED));
  });
  const hostile = await eve.api.post(`/v1/apps/${other.id}/chats`, { kind: "assistant", title: "Bad" });
  const path = `/v1/apps/${other.id}/chats/${hostile.body.number}/messages`;
  for (let turn = 0; turn < 12; turn += 1) await eve.api.post(path, { text: `Forbidden ${turn}` });
  await system.settle();
  expect(await ask(await newChat(), "Good morning")).toMatchObject({
    status: "complete",
    served: { as: "chosen" },
  });
  const { body } = await system.operator.get("/v1/operator/breakers");
  expect(
    body.data.filter(
      ({ state, model }: { state: string; model: string }) => state !== "closed" && model === "main",
    ),
  ).toEqual([]);
});

describe("a chat", () => {
  const titled = async (chat: string): Promise<Chat> => {
    await system.settle();
    return (await ada.api.get(chat)).body;
  };

  test("is given a title after its first answer, and a person's own stays", async () => {
    provider.answer(({ messages }, response) => {
      const isTitle = messages[0]?.content.startsWith("Title") ?? false;
      response.end(sse(word(isTitle ? '"Ferries to Turin."' : "Hello"), ENDED));
    });
    const chat = await newChat({ title: undefined });
    await ask(chat, "When does the ferry leave?");
    expect(await titled(chat)).toMatchObject({ title: "Ferries to Turin", titleBy: "model" });
    await ada.api.patch(chat, { title: "Mine" });
    await ask(chat, "And back?");
    expect(await titled(chat)).toMatchObject({ title: "Mine", titleBy: "person" });
  });

  test("that is temporary stands in no list and no search", async () => {
    const chat = await newChat({ temporary: true });
    await ask(chat, "The walrus is secret");
    await system.settle();
    const { body } = await ada.api.get(`${chats}?limit=100`);
    expect(body.data.map(({ number }: Chat) => `${chats}/${number}`)).not.toContain(chat);
    expect((await ada.api.get("/v1/apps/demo/search?q=walrus")).body.data).toEqual([]);
    expect((await ada.api.get(chat)).status).toBe(200);
  });

  test("may name the models that the app offers", async () => {
    const { body } = await ada.api.get("/v1/apps/demo/models");
    const cost = await system.meterRequest(() => ada.api.get("/v1/apps/demo/models"));
    expect(cost.billed).toEqual({ reads: 0, writes: 0, deletes: 0 });
    expect(body.data).toContainEqual({
      id: "main",
      windowTokens: WINDOW_TOKENS,
      outputTokensMax: 4_000,
      images: false,
    });
    expect(body.data).toContainEqual(
      expect.objectContaining({ id: "labelled", label: "A model with a name" }),
    );
  });
});
