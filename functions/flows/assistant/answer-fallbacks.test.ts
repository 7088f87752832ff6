import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Message } from "../../../shared/chat/contract.ts";
import { parseConfig } from "../../../shared/platform/config.ts";
import { EventStream, type SseEvent } from "../../../shared/testing/event-stream.ts";
import { startChat, useInstance, useSystem } from "../../../shared/testing/use-system.ts";

const LARGE = "emulated-large";
const SMALL = "emulated-small";
const FAST_PACE = { firstTokenMs: 2, tokensPerSecond: 20_000 };

let openMs: number;
let failuresMax: number;
const system = useSystem();
const instances = [system, useInstance(system), useInstance(system)];
beforeAll(() => {
  ({ openMs, failuresMax } = parseConfig(system.env).circuit);
});
afterEach(async () => {
  system.suite.model.reset();
  system.suite.model.change(FAST_PACE);
  // Circuits are closed again, and what has failed is forgotten.
  system.suite.kernel.clock.advance(3600_000);
  await untilChosen();
});
afterAll(() => system.suite.model.reset());

const newChat = async (): Promise<string> =>
  (await startChat(system.operator, { kind: "assistant", title: "Questions" })).path;
let asked = 0;
/** Long enough for the slow lane, and asked by nobody before. */
const uniqueQuestion = (): string =>
  `Write 40 words about bridges, compare them with ferry number ${(asked += 1)}, and explain why`;

const openAsk = (chat: string, text: string, base = system.url): Promise<EventStream> =>
  EventStream.open(
    `${base}${chat}/messages`,
    undefined,
    {
      authorization: `Bearer ${system.env.OPERATOR_KEY}`,
      accept: "text/event-stream",
      "content-type": "application/json",
    },
    { method: "POST", body: JSON.stringify({ text }) },
  );
const messageAt = async (chat: string, number: number): Promise<Message> =>
  (await system.operator.get(`${chat}/messages/${number}`)).body;

async function ask(chat: string, text: string, base?: string): Promise<Message> {
  await using stream = await openAsk(chat, text, base);
  await stream.ended;
  return stream.events.at(-1)?.data.message;
}

/** Until the first model in line is asked again. */
async function untilChosen(): Promise<void> {
  for (;;) if ((await ask(await newChat(), uniqueQuestion())).served?.as === "chosen") return;
}

const callsTo = (model: typeof LARGE | typeof SMALL): number =>
  system.suite.model.show().calls.byModel[model].calls;

function textOf(events: readonly SseEvent[]): string {
  let text = "";
  for (const { event, data } of events) {
    if (event === "answer.reset") text = "";
    if (event === "answer.delta") text += data.text;
  }
  return text;
}

describe("a model that fails", () => {
  test("is replaced by the next one, and the answer says so", async () => {
    system.suite.model.change({ model: LARGE, fault: "500" });
    const answer = await ask(await newChat(), uniqueQuestion());
    expect(answer).toMatchObject({
      status: "complete",
      sender: { model: SMALL },
      usage: { model: SMALL },
      served: { as: "fallback", reason: "model_failed", insteadOf: LARGE },
    });
  });

  test("in the middle leaves nothing of what it said", async () => {
    system.suite.model.change({ model: LARGE, fault: "drop", after: 12, tokensPerSecond: 200 });
    await using stream = await openAsk(await newChat(), uniqueQuestion());
    await stream.ended;
    const names = stream.events.map(({ event }) => event);
    expect(names.filter((name) => name === "answer.reset")).toHaveLength(1);
    const { message } = stream.events.at(-1)?.data ?? {};
    expect(message.served).toMatchObject({ as: "fallback", reason: "model_failed" });
    expect(textOf(stream.events)).toBe(message.text);
  });
});

describe("the circuit of a model", () => {
  test("opens over all instances together after as many failures as are allowed", async () => {
    system.suite.model.change({ model: LARGE, fault: "500" });
    const before = callsTo(LARGE);
    for (let turn = 0; turn < 3 * failuresMax; turn += 1) {
      const { url } = instances[turn % instances.length] ?? system;
      const answer = await ask(await newChat(), uniqueQuestion(), url);
      expect(answer.status).toBe("complete");
    }
    expect(callsTo(LARGE) - before).toBe(failuresMax);
    const { body } = await system.operator.get("/v1/operator/breakers");
    expect(body.data).toContainEqual(expect.objectContaining({ model: LARGE, state: "open" }));
    const last = await ask(await newChat(), uniqueQuestion());
    expect(last.served).toEqual({ as: "fallback", reason: "circuit_open", insteadOf: LARGE });
    expect(system.logs.filter(({ event }) => event === "breaker.opened")).toMatchObject(
      [expect.anything(), { model: LARGE }].slice(-1),
    );
  });

  test("is tried by one question when its time is over, and closes when that is answered", async () => {
    system.suite.model.change({ model: LARGE, fault: "500" });
    for (let turn = 0; turn < failuresMax; turn += 1) await ask(await newChat(), uniqueQuestion());
    const opened = callsTo(LARGE);
    // The provider is still down: one call finds that out, however many would ask.
    system.suite.kernel.clock.advance(openMs + 1);
    const many = async () =>
      Promise.all(
        instances.flatMap(({ url }) =>
          [1, 2, 3].map(async () => ask(await newChat(), uniqueQuestion(), url)),
        ),
      );
    for (const { served } of await many()) expect(served?.as).toBe("fallback");
    expect(callsTo(LARGE) - opened).toBe(1);
    system.suite.model.change({ ...FAST_PACE, model: LARGE });
    for (const { served } of await many()) expect(served?.as).toBe("fallback");
    expect(callsTo(LARGE) - opened).toBe(1);
    system.suite.kernel.clock.advance(2 * openMs + 1);
    const served = (await many()).map((answer) => answer.served?.as);
    expect(served.filter((as) => as === "chosen").length).toBeGreaterThanOrEqual(1);
    await untilChosen();
  });
});

describe("while no model can be asked", () => {
  const breakAll = async (): Promise<void> => {
    system.suite.model.change({ fault: "500" });
    for (let turn = 0; turn < failuresMax; turn += 1) {
      const stream = await openAsk(await newChat(), uniqueQuestion());
      await stream.until((all) =>
        all.some(({ event, data }) => event !== "message.created" || data.message.number === 1),
      );
      await stream[Symbol.asyncDispose]();
    }
    await expect
      .poll(() => system.logs.filter(({ event }) => event === "breaker.opened").map(({ model }) => model))
      .toEqual(expect.arrayContaining([LARGE, SMALL]));
  };

  test("an earlier answer to the same question stands in; another question waits, and is answered when one can", async () => {
    const same = uniqueQuestion();
    const earlier = await ask(await newChat(), same);
    await breakAll();
    const again = await ask(await newChat(), `  ${same.toUpperCase()}`);
    expect(again).toMatchObject({ text: earlier.text, served: { as: "cached", reason: "circuit_open" } });
    const chat = await newChat();
    await using stream = await openAsk(chat, uniqueQuestion());
    await stream.until((all) => all.some(({ event }) => event === "message.changed"));
    expect(await messageAt(chat, 2)).toMatchObject({
      status: "queued",
      served: { as: "queued", reason: "circuit_open", insteadOf: LARGE },
    });
    system.suite.model.reset();
    system.suite.model.change(FAST_PACE);
    await expect
      .poll(
        async () => {
          system.suite.kernel.clock.advance(openMs);
          return (await messageAt(chat, 2)).status;
        },
        { interval: 100, timeout: 10_000 },
      )
      .toBe("complete");
    await stream.ended;
    expect(stream.events.at(-1)?.event).toBe("answer.done");
  });

  test("a question that waits can be stopped", async () => {
    await breakAll();
    const chat = await newChat();
    await system.operator.post(`${chat}/messages`, { text: uniqueQuestion() });
    await expect.poll(async () => (await messageAt(chat, 2)).served?.as).toBe("queued");
    expect((await system.operator.delete(`${chat}/messages/2/answer`)).status).toBe(204);
    expect((await messageAt(chat, 2)).status).toBe("stopped");
  });
});
