import { APIConnectionError, APIConnectionTimeoutError, OpenAI, type RateLimitError } from "openai";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { createKernel } from "../kernel/kernel.ts";
import { type LoopbackServer, serveLoopback } from "../kernel/loopback.ts";
import { openModel } from "./server.ts";
import { tokensOf } from "./tokens.ts";

/**
 * What OpenAI's own client sees of every quirk and failure: one list, in the order of the server's README.
 */

const kernel = createKernel();
const model = openModel(kernel, { project: "demo-model" });
let server: LoopbackServer;
let openai: OpenAI;

beforeAll(async () => {
  server = await serveLoopback(0, model.listener);
  openai = new OpenAI({ baseURL: `http://127.0.0.1:${server.port}/v1`, apiKey: "any", maxRetries: 0 });
  fast();
});
afterEach(() => {
  kernel.faults.clear();
  kernel.meter.clear();
  model.reset();
  fast();
});
afterAll(async () => {
  await server.close();
  kernel.clock.stop();
});

const fast = () => model.change({ firstTokenMs: 0, tokensPerSecond: 1_000_000 });
const small = "emulated-small";
const ask = (content: string) => ({ model: small, messages: [{ role: "user" as const, content }] });
const create = (content: string, rest: object = {}) =>
  openai.chat.completions.create({ ...ask(content), ...rest });

async function streamed(content: string, rest: object = {}, options: OpenAI.RequestOptions = {}) {
  const stream = await openai.chat.completions.create(
    { ...ask(content), stream: true, stream_options: { include_usage: true }, ...rest },
    options,
  );
  const pieces: string[] = [];
  let finish: string | null = null;
  let usage: OpenAI.CompletionUsage | null | undefined;
  let failure: unknown;
  try {
    for await (const chunk of stream) {
      const [choice] = chunk.choices;
      if (choice?.delta.content) pieces.push(choice.delta.content);
      finish = choice?.finish_reason ?? finish;
      usage = chunk.usage ?? usage;
    }
  } catch (cause) {
    failure = cause;
  }
  return { text: pieces.join(""), pieces, finish, usage, failure };
}

const raw = (body: string, headers: Record<string, string> = { authorization: "Bearer any" }) =>
  fetch(`http://127.0.0.1:${server.port}/v1/chat/completions`, { method: "POST", body, headers });

/** The newest call, once it is over: the caller may know before the server does. */
async function lastCall() {
  for (;;) {
    const { calls } = model.show();
    if (calls.inFlight === 0) return calls.recent[0];
    await new Promise(setImmediate);
  }
}

describe("chat completions", () => {
  test("a whole answer and a streamed one are the same, and cost the same", async () => {
    const question = "Why is the sea salty, and who found out?";
    const { choices, usage, object } = await create(question);
    const stream = await streamed(question);
    expect(object).toBe("chat.completion");
    expect(choices[0]?.message.content).toBe(stream.text);
    expect([choices[0]?.finish_reason, stream.finish]).toEqual(["stop", "stop"]);
    expect(stream.usage).toEqual(usage);
    expect(usage?.completion_tokens).toBe(tokensOf(stream.text).length);
    expect(usage?.prompt_tokens).toBe(tokensOf(question).length + 6);
    expect(stream.pieces).toEqual(tokensOf(stream.text));
  });

  test("a stream is events as OpenAI writes them, usage only where it is asked for", async () => {
    const answer = await raw(JSON.stringify({ ...ask("repeat after me: hello"), stream: true }));
    expect(answer.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
    const events = (await answer.text()).trimEnd().split("\n\n");
    expect(events.at(-1)).toBe("data: [DONE]");
    const chunks = events.slice(0, -1).map((event) => JSON.parse(event.replace(/^data: /u, "")));
    expect(chunks.map(({ choices: [{ delta, finish_reason }] }) => [delta, finish_reason])).toEqual([
      [{ role: "assistant", content: "", refusal: null }, null],
      [{ content: "hell" }, null],
      [{ content: "o" }, null],
      [{}, "stop"],
    ]);
    for (const chunk of chunks) {
      expect(chunk).toMatchObject({ object: "chat.completion.chunk", model: small, id: chunks[0].id });
      expect(chunk).not.toHaveProperty("usage");
    }
  });

  test("an answer is cut at its limit of tokens, and before a stop sequence", async () => {
    const cut = await create("write 50 tokens about rain", { max_completion_tokens: 10 });
    expect([cut.choices[0]?.finish_reason, cut.usage?.completion_tokens]).toEqual(["length", 10]);
    const old = await streamed("write 50 tokens about rain", { max_tokens: 50 });
    expect([old.finish, old.usage?.completion_tokens]).toEqual(["stop", 50]);
    const stopped = await create("repeat after me: one, two, three", { stop: ["three", ", t"] });
    expect(stopped.choices[0]).toMatchObject({ message: { content: "one" }, finish_reason: "stop" });
  });

  test("content may come in parts, and settings of chance change nothing", async () => {
    const content = [
      { type: "text" as const, text: "repeat after me:" },
      { type: "text" as const, text: "x" },
    ];
    const { choices } = await openai.chat.completions.create({
      model: small,
      messages: [
        { role: "developer", content: "Be brief." },
        { role: "user", content },
      ],
      temperature: 2,
      seed: 7,
    });
    expect(choices[0]?.message.content).toBe("x");
  });

  test("the models are listed and looked up", async () => {
    const names = (await openai.models.list()).data.map(({ id }) => id);
    expect(names).toEqual(["emulated-large", "emulated-small"]);
    expect(await openai.models.retrieve(small)).toMatchObject({ id: small, object: "model" });
    await expect(openai.models.retrieve("gpt")).rejects.toMatchObject({
      status: 404,
      code: "model_not_found",
    });
  });
});

describe("refusals", () => {
  test.each([
    ["an unknown model", { model: "gpt" }, 404, "model_not_found"],
    ["no messages", { messages: [] }, 400, "invalid_value"],
    ["an unknown role", { messages: [{ role: "robot", content: "x" }] }, 400, "invalid_value"],
    ["an unknown parameter", { tempo: 1 }, 400, "unknown_parameter"],
    ["too hot", { temperature: 3 }, 400, "invalid_value"],
    ["two limits", { max_tokens: 1, max_completion_tokens: 1 }, 400, "invalid_parameter_combination"],
    ["a limit over the model's", { max_tokens: 20_000 }, 400, "invalid_value"],
    ["five stops", { stop: ["a", "b", "c", "d", "e"] }, 400, "invalid_value"],
    ["options of a stream without one", { stream_options: { include_usage: true } }, 400, null],
    ["tools", { tools: [{ type: "function" }] }, 501, "not_implemented"],
    ["two choices", { n: 2 }, 501, "not_implemented"],
    ["JSON mode", { response_format: { type: "json_object" } }, 501, "not_implemented"],
    [
      "an image",
      { messages: [{ role: "user", content: [{ type: "image_url", image_url: { url: "data:," } }] }] },
      501,
      "not_implemented",
    ],
  ])("%s", async (_, change, status, code) => {
    await expect(create("x", change)).rejects.toMatchObject({ status, code });
    expect(model.show().calls.recent).toEqual([]);
  });

  test("a conversation over the context is refused by its length", async () => {
    await expect(create("x".repeat(4 * 16_000))).rejects.toMatchObject({
      status: 400,
      code: "context_length_exceeded",
      type: "invalid_request_error",
      param: "messages",
    });
  });

  test("a call needs a key, JSON, a bounded body and a path that there is", async () => {
    expect((await raw("{}", {})).status).toBe(401);
    expect((await raw("{}", { authorization: "Basic x" })).status).toBe(401);
    const malformed = await raw("{");
    expect([malformed.status, await malformed.json()]).toMatchObject([
      400,
      { error: { type: "invalid_request_error", param: null, code: null } },
    ]);
    expect((await raw(JSON.stringify(ask("x".repeat(2 * 1024 * 1024))))).status).toBe(413);
    await expect(openai.responses.create({ model: small, input: "x" })).rejects.toMatchObject({
      status: 501,
    });
    await expect(openai.get("/nothing")).rejects.toMatchObject({ status: 404 });
    const strange = await raw("{}", { authorization: "Bearer any", origin: "https://evil.example" });
    expect(strange.status).toBe(403);
  });
});

describe("hostile bodies", () => {
  const deep = "[".repeat(100_000) + "]".repeat(100_000);
  test.each([
    ["nothing", "", 400],
    ["a list", "[]", 400],
    ["depth", deep, 400],
    ["depth in a known place", `{"model":"${small}","messages":[],"metadata":${deep}}`, 400],
    ["depth in a parameter without effect", `{"model":"${small}","messages":[],"audio":${deep}}`, 400],
    ["a prototype", `{"model":"__proto__","messages":[{"role":"user","content":"x"}]}`, 404],
    ["a name of Object's own", `{"model":"constructor","messages":[{"role":"user","content":"x"}]}`, 404],
    [
      "a huge number",
      `{"model":"${small}","messages":[{"role":"user","content":"x"}],"max_tokens":1e999}`,
      400,
    ],
    ["a lone surrogate", `{"model":"${small}","messages":[{"role":"user","content":"\\ud800"}]}`, 200],
  ])("%s", async (_, body, status) => expect((await raw(body)).status).toBe(status));

  test("a caller that goes away while it sends leaves nothing behind", async () => {
    const caller = new AbortController();
    const body = new ReadableStream({
      start: (sink) => sink.enqueue(Buffer.from('{"model":')),
      pull: () => caller.abort(),
    });
    const half = () =>
      fetch(`http://127.0.0.1:${server.port}/v1/chat/completions`, {
        method: "POST",
        headers: { authorization: "Bearer any" },
        signal: caller.signal,
        duplex: "half",
        body,
      });
    await expect(half()).rejects.toThrow("aborted");
    expect(model.show().calls).toMatchObject({ inFlight: 0, recent: [] });
  });
});

describe("pace and faults", () => {
  const twenty = "write 20 tokens about rain";

  test("tokens come at the pace that is set, model by model", async () => {
    model.change({ firstTokenMs: 60, tokensPerSecond: 200, model: small });
    const begun = performance.now();
    const stream = await openai.chat.completions.create({ ...ask(twenty), stream: true });
    const times: number[] = [];
    for await (const { choices } of stream) {
      if (choices[0]?.delta.content) times.push(performance.now() - begun);
    }
    expect(times).toHaveLength(20);
    // Timers may be late on a busy machine, but never early.
    expect(times[0]).toBeGreaterThanOrEqual(59);
    expect(times.at(-1)).toBeGreaterThanOrEqual(59 + 19 * 5 - 1);
    const before = performance.now();
    await openai.chat.completions.create({ ...ask(twenty), model: "emulated-large" });
    expect(performance.now() - before).toBeLessThan(times.at(-1) ?? 0);
  });

  test("429 says when to come again, and 500 is a failure of the server", async () => {
    model.change({ fault: "429" });
    const failure = (await create("hi").catch((cause: unknown) => cause)) as RateLimitError;
    expect(failure).toMatchObject({ status: 429, code: "rate_limit_exceeded" });
    expect(failure.headers.get("retry-after")).toBe("1");
    model.change({ fault: "500" });
    await expect(create("hi", { stream: true })).rejects.toMatchObject({ status: 500, type: "server_error" });
    expect(model.show().calls.byModel[small].calls).toBe(2);
    expect(await lastCall()).toMatchObject({ outcome: "failed", completionTokens: 0 });
    model.change({});
    expect((await create("hi")).choices).toHaveLength(1);
  });

  test("a failure after some tokens comes in the stream", async () => {
    model.change({ fault: "500", after: 5 });
    const { pieces, failure, finish } = await streamed(twenty);
    expect(pieces).toHaveLength(5);
    expect(failure).toMatchObject({ type: "server_error" });
    expect(finish).toBeNull();
    expect((await streamed("repeat after me: hi")).finish).toBe("stop");
  });

  test("a connection drops before the answer, or in its midst", async () => {
    model.change({ fault: "drop" });
    await expect(create("hi")).rejects.toThrow(APIConnectionError);
    model.change({ fault: "drop", after: 7 });
    const { pieces, failure } = await streamed(twenty);
    expect(pieces).toHaveLength(7);
    expect(failure).toBeInstanceOf(Error);
    expect(await lastCall()).toMatchObject({ outcome: "failed", completionTokens: 7, callerHungUp: false });
  });

  test("a model that hangs is silent until the caller hangs up", async () => {
    model.change({ fault: "hang" });
    await expect(openai.chat.completions.create(ask("hi"), { timeout: 30 })).rejects.toThrow(
      APIConnectionTimeoutError,
    );
    expect(await lastCall()).toMatchObject({ outcome: "hung up", callerHungUp: true });
    model.change({ fault: "hang", after: 3 });
    const caller = new AbortController();
    const stream = await openai.chat.completions.create(
      { ...ask(twenty), stream: true },
      { signal: caller.signal },
    );
    let pieces = 0;
    for await (const { choices } of stream) {
      if (choices[0]?.delta.content) pieces += 1;
      if (pieces === 3) caller.abort();
    }
    expect(await lastCall()).toMatchObject({ outcome: "hung up", completionTokens: 3 });
  });

  test("an answer that drips comes by the byte", async () => {
    model.change({ fault: "drip", after: 2 });
    const answer = await raw(JSON.stringify({ ...ask(twenty), stream: true }));
    const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
    let text = "";
    while ((text.match(/"content":"[^"]/gu) ?? []).length < 2) {
      text += Buffer.from((await reader.read()).value ?? []).toString();
    }
    const begun = performance.now();
    expect((await reader.read()).value).toHaveLength(1);
    expect(performance.now() - begun).toBeGreaterThan(500);
    await reader.cancel();
    expect(await lastCall()).toMatchObject({ outcome: "hung up" });
  });

  test("planned faults affect the calls of a model or a question", async () => {
    const plan = { service: "model", method: "ChatCompletions" } as const;
    kernel.faults.add({ ...plan, kind: "before", code: "RESOURCE_EXHAUSTED", match: "rain" });
    expect((await create("hi")).choices).toHaveLength(1);
    await expect(create(twenty)).rejects.toMatchObject({ status: 429 });
    kernel.faults.add({ ...plan, kind: "after", match: `models/${small}` });
    await expect(create(twenty)).rejects.toMatchObject({ status: 503 });
    expect(await lastCall()).toMatchObject({ outcome: "failed", completionTokens: 20 });
    kernel.faults.add({ ...plan, kind: "drop" });
    await expect(create(twenty)).rejects.toThrow(APIConnectionError);
    kernel.faults.add({ ...plan, kind: "slow", ms: 3_600_000 });
    const late = create(twenty);
    while (model.show().calls.inFlight === 0) await new Promise(setImmediate);
    kernel.clock.advance(3_600_000);
    expect((await late).usage?.completion_tokens).toBe(20);
  });
});

test("calls are counted by model, by request and in the meter, until they are reset", async () => {
  await openai.chat.completions.create(ask("repeat after me: 12345"), { headers: { "x-request-id": "r1" } });
  await openai.chat.completions.create({ ...ask("hi"), model: "emulated-large" });
  const { calls, models } = model.show();
  expect(calls.byModel[small]).toEqual({ calls: 1, promptTokens: 12, completionTokens: 2 });
  expect(calls.byModel["emulated-large"].calls).toBe(1);
  expect(calls.recent[1]).toMatchObject({
    requestId: "r1",
    question: "repeat after me: 12345",
    outcome: "stop",
    stream: false,
  });
  expect(kernel.meter.read({ project: "demo-model" })).toMatchObject({
    modelCalls: 2,
    rpcs: { "model.ChatCompletions": 2 },
  });
  expect(kernel.meter.read({ requestId: "r1" }).modelCalls).toBe(1);
  expect(models[small]).toMatchObject({ firstTokenMs: 0 });
  model.reset();
  expect(model.show().calls).toMatchObject({ inFlight: 0, recent: [] });
  expect(model.show().models[small]).toEqual({ firstTokenMs: 150, tokensPerSecond: 120 });
});
