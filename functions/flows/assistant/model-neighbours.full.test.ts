import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Message } from "../../../shared/chat/contract.ts";
import { EventStream } from "../../../shared/testing/event-stream.ts";
import {
  ENDED,
  type OwnProvider,
  refuse,
  sse,
  startProvider,
  thought,
  word,
} from "../../../shared/testing/own-provider.ts";
import { type Person, type System, startSystem } from "../../../shared/testing/start-system.ts";

/** What providers and people do beside what real-models.test.ts tells. Each model is asked by one test. */
const MODELS = [
  "held",
  "small",
  "vain",
  "insane",
  "waits",
  "bulky",
  "taken",
  "thinker",
  "far",
  "partial",
  "sixth",
];

let provider: OwnProvider;
let system: System;
let ada: Person;
beforeAll(async () => {
  provider = await startProvider();
  system = await startSystem({
    env: {
      MODEL_BASE_URL: provider.baseUrl,
      MODEL_FAST: "main",
      MODEL_SLOW: "main",
      MODELS: JSON.stringify([...MODELS.map((id) => ({ id })), { id: "wide", windowTokens: 128_000 }]),
    },
  });
  ada = await system.signIn("ada@beside.test");
});
const usual = (): void => provider.answer((_, response) => void response.end(sse(word("Hello"), ENDED)));
afterEach(usual);
afterAll(async () => {
  await system[Symbol.asyncDispose]();
  await provider[Symbol.asyncDispose]();
});

const chats = "/v1/apps/demo/chats";
async function newChat(model?: string, draft: object = {}): Promise<string> {
  const { body } = await ada.api.post(chats, { kind: "assistant", title: "Beside", model, ...draft });
  return `${chats}/${body.number}`;
}
const messageAt = async (chat: string, number: number): Promise<Message> =>
  (await system.operator.get(`${chat}/messages/${number}`)).body;
async function until(chat: string, number: number, isThere: (message: Message) => boolean): Promise<Message> {
  await expect
    .poll(async () => isThere(await messageAt(chat, number)), { interval: 20, timeout: 15_000 })
    .toBe(true);
  return messageAt(chat, number);
}
const isEnded = ({ status }: Message): boolean => status !== "queued" && status !== "streaming";
const waits = ({ status, served }: Message): boolean => status === "queued" && served?.as === "queued";
async function ask(chat: string, text: string): Promise<Message> {
  const { body } = await ada.api.post(`${chat}/messages`, { text });
  return until(chat, body.answer.number, isEnded);
}
const advance = async (ms: number): Promise<void> => {
  system.suite.kernel.clock.advance(ms);
  await system.suite.tasks.idle(system.project);
};

describe("one question's refusal", () => {
  test("holds up nobody else's, even where it names a time", async () => {
    provider.answer((_, response) => refuse(response, 413, "Request too large", { "retry-after": "3600" }));
    expect(await ask(await newChat("held"), "Much too long")).toMatchObject({ error: { code: "too_long" } });
    usual();
    const answer = await ask(await newChat("held"), "Short");
    expect(answer).toMatchObject({ status: "complete", served: { as: "chosen" } });
  });
});

describe("a window that nobody has told", () => {
  test("is taken from the provider's refusal: the second call fits it, the answer's part included", async () => {
    const WINDOW = 2_048;
    provider.answer(({ messages, body }, response) => {
      // About four characters to a token, as tokenizers count English.
      const input = messages.reduce((sum, { content }) => sum + content.length / 4, 0);
      const output = Number(body["max_completion_tokens"]);
      if (input + output > WINDOW) {
        return refuse(response, 400, `This model's maximum context length is ${WINDOW} tokens.`);
      }
      response.end(sse(word("It fits"), ENDED));
    });
    const short = await ask(await newChat("small"), "What time is it?");
    expect(short).toMatchObject({ status: "complete", text: "It fits" });
    const long = await ask(await newChat("small"), `BEGIN ${"The ferry leaves at nine. ".repeat(1_000)} END`);
    expect(long).toMatchObject({ status: "complete", text: "It fits" });
    const [, , , last] = provider.callsTo("small");
    expect(last?.messages[0]?.content).toMatch(/^BEGIN .* END$/s);
  });

  test("and that nothing fits is told after two calls", async () => {
    provider.answer((_, response) => refuse(response, 400, "maximum context length is 8 tokens"));
    expect(await ask(await newChat("vain"), "Hello")).toMatchObject({ error: { code: "too_long" } });
    expect(provider.callsTo("vain")).toHaveLength(2);
  });
});

test.each([
  ["as many tokens as may be", { prompt_tokens: 9_999_999, completion_tokens: 9_999_999 }],
  ["more than it was allowed", { prompt_tokens: 12, completion_tokens: 400_000 }],
  [
    "more of it cached than there was",
    { prompt_tokens: 12, completion_tokens: 2, prompt_tokens_details: { cached_tokens: 5_000 } },
  ],
])("a provider that counts %s blocks no budget", async (_, usage) => {
  provider.answer((_call, response) => void response.end(sse(word("Hello"), ENDED, { choices: [], usage })));
  const answer = await ask(await newChat("insane"), "How much?");
  expect(answer.status).toBe("complete");
  expect(answer.usage?.inputTokens).toBeLessThan(100);
  expect(answer.usage?.outputTokens).toBeLessThan(100);
  expect(answer.usage?.cachedTokens ?? 0).toBeLessThanOrEqual(answer.usage?.inputTokens ?? 0);
});

describe("a question that is taken back while it waits", () => {
  test("is asked of no model, and its answer ends as stopped", async () => {
    provider.answer((_, response) => refuse(response, 503, "down"));
    const chat = await newChat("taken");
    await ada.api.post(`${chat}/messages`, { text: "Never mind" });
    await until(chat, 2, waits);
    const { length } = provider.callsTo("taken");
    await ada.api.delete(`${chat}/messages/1`);
    usual();
    await advance(60_000);
    expect(await until(chat, 2, isEnded)).toMatchObject({ status: "stopped", text: "" });
    expect(provider.callsTo("taken")).toHaveLength(length);
  });
});

describe("a fork", () => {
  test("of an answer that waits has it stopped, and the original is answered", async () => {
    provider.answer((_, response) => refuse(response, 503, "down"));
    const chat = await newChat("waits");
    await ada.api.post(`${chat}/messages`, { text: "Anybody there?" });
    await until(chat, 2, waits);
    const fork = await ada.api.post(`${chat}/forks`, { at: 2 });
    const copied = `${chats}/${fork.body.number}`;
    expect(await until(copied, 2, isEnded)).toMatchObject({ status: "stopped", text: "" });
    usual();
    await advance(60_000);
    expect(await until(chat, 2, isEnded)).toMatchObject({ status: "complete", text: "Hello" });
    expect((await messageAt(copied, 2)).status).toBe("stopped");
    expect((await ada.api.post(`${copied}/messages`, { text: "And here?" })).status).toBe(201);
    expect(await until(copied, 4, isEnded)).toMatchObject({ status: "complete" });
  });

  test("of an answer whose model still thinks has it stopped, without a thought of the original's end", async () => {
    const begun = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    provider.answer((_, response) => {
      response.write(sse(thought("Hmm.")), () => begun.resolve());
      void goOn.promise.then(() => response.end(sse(word("Well"), ENDED)));
    });
    const chat = await newChat("thinker");
    await ada.api.post(`${chat}/messages`, { text: "Think" });
    await begun.promise;
    const fork = await ada.api.post(`${chat}/forks`, { at: 2 });
    const copied = `${chats}/${fork.body.number}`;
    expect(await until(copied, 2, isEnded)).toMatchObject({ status: "stopped", text: "" });
    goOn.resolve();
    expect(await until(chat, 2, isEnded)).toMatchObject({ status: "complete", text: "Well" });
  });
});

describe("a long answer", () => {
  test.each([
    ["in one chunk", 1],
    ["in 60 chunks", 60],
  ])("of 1.2 MB %s ends with `length` at its limit, and the next message is found", async (_, parts) => {
    const part = "word ".repeat(240_000 / parts);
    const chunks = Array.from({ length: parts }, () => word(part));
    provider.answer((_call, response) => void response.end(sse(...chunks, ENDED)));
    const chat = await newChat("bulky");
    const answer = await ask(chat, "Go on");
    expect(answer).toMatchObject({ status: "complete", finishReason: "length" });
    expect(answer.text.length).toBeGreaterThan(10_000);
    expect(answer.text.length).toBeLessThanOrEqual(100_000);
    usual();
    await ask(chat, `The heron of ${parts} is here`);
    await system.settle();
    const found = await ada.api.get(`/v1/apps/demo/search?q=${encodeURIComponent(`heron of ${parts}`)}`);
    expect(found.body.data).toHaveLength(1);
  });
});

describe("an answer that the model did not say to its end", () => {
  const end = (reason: string): object => ({ choices: [{ index: 0, delta: {}, finish_reason: reason }] });
  test.each([
    ["length", [word("Beginning"), end("length")]],
    ["content_filter", [word("Beginning"), end("content_filter")]],
    ["refusal", [{ choices: [{ index: 0, delta: { refusal: "I can't." } }] }, ENDED]],
    ["stop", [word(" \n"), ENDED]],
  ])("(%s) is not given to the same question again", async (finishReason, chunks) => {
    const question = `Which word ends with ${finishReason}?`;
    provider.answer((_, response) => void response.end(sse(...chunks)));
    expect(await ask(await newChat("partial"), question)).toMatchObject({ status: "complete", finishReason });
    provider.answer((_, response) => refuse(response, 503, "down"));
    const chat = await newChat("partial");
    await ada.api.post(`${chat}/messages`, { text: question });
    expect(await until(chat, 2, ({ served }) => served !== undefined)).toMatchObject({
      served: { as: "queued" },
    });
    await ada.api.delete(`${chat}/messages/2/answer`);
    await advance(120_000);
  });
});

describe("an answer of one's own", () => {
  test("may not be edited while it is made, and may once it has been stopped", async () => {
    const begun = Promise.withResolvers<void>();
    provider.answer((_, response) => void response.write(sse(word("One")), () => begun.resolve()));
    const chat = await newChat();
    await ada.api.post(`${chat}/messages`, { text: "Count" });
    await begun.promise;
    expect((await ada.api.patch(`${chat}/messages/2`, { text: "Mine" })).status).toBe(409);
    await ada.api.delete(`${chat}/messages/2/answer`);
    expect(await until(chat, 2, isEnded)).toMatchObject({ status: "stopped" });
    expect((await ada.api.patch(`${chat}/messages/2`, { text: "Mine" })).body.text).toBe("Mine");
    usual();
    await ask(chat, "What did you say?");
    expect(provider.calls.at(-1)?.messages.map(({ content }) => content)).toEqual([
      "Count",
      "Mine",
      "What did you say?",
    ]);
  });

  test("is nobody else's to edit or delete", async () => {
    const chat = await newChat();
    await ask(chat, "Hello");
    const eve = await system.signIn("eve@beside.test");
    expect((await eve.api.patch(`${chat}/messages/2`, { text: "Hers" })).status).toBe(404);
    expect((await eve.api.delete(`${chat}/messages/2`)).status).toBe(404);
    expect((await messageAt(chat, 2)).text).toBe("Hello");
  });
});

describe("a pasted document", () => {
  test.each([
    ["in Chinese", "渡轮九点离开。".repeat(1_500)],
    ["of code", "export const add = (a: number, b: number): number => a + b;\n".repeat(180)],
  ])(
    "%s reaches a model of a large window whole, with what was said about it before",
    async (_, document) => {
      const chat = await newChat("wide", { instructions: "Be exact. ".repeat(400) });
      await ask(chat, document);
      await ask(chat, "First?");
      await ask(chat, "And then?");
      const { messages } = provider.calls.at(-1) ?? { messages: [] };
      expect(messages[1]?.content).toBe(document);
      expect(messages.slice(2).map(({ content }) => content)).toEqual([
        "Hello",
        "First?",
        "Hello",
        "And then?",
      ]);
    },
  );
});

test("9,000 characters pasted in the sixth exchange reach the model whole, with all that was said", async () => {
  const chat = await newChat("sixth");
  for (const text of ["One", "Two", "Three", "Four", "Five"]) await ask(chat, text);
  const pasted = `BEGIN ${"The ferry leaves at nine. ".repeat(350)} END`;
  expect(pasted.length).toBeGreaterThan(9_000);
  await ask(chat, pasted);
  await ask(chat, "What did I paste?");
  const given = provider.calls.at(-1)?.messages.map(({ content }) => content);
  expect(given?.slice(-3)).toEqual([pasted, "Hello", "What did I paste?"]);
  expect(given).toHaveLength(13);
});

describe("a stream that is resumed", () => {
  test.each([
    ["beyond its end", "1.99999"],
    ["from its beginning", "1.0"],
    ["from an attempt before it", "0.7"],
  ])("%s is told the whole answer", async (_, id) => {
    const chat = await newChat("far");
    await ask(chat, "Hello");
    await using stream = await EventStream.open(`${system.url}${chat}/messages/2/stream`, ada, {
      "last-event-id": id,
    });
    await stream.ended;
    const texts = stream.events.filter(({ event }) => event === "answer.delta").map(({ data }) => data.text);
    const done = stream.events.at(-1);
    expect(done).toMatchObject({ event: "answer.done", data: { message: { text: "Hello" } } });
    expect(texts.join("")).toBe("Hello");
  });
});
