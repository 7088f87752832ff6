import { beforeAll, describe, expect, test, vi } from "vitest";
import { MODEL_FAILURES } from "../../../shared/platform/models/contract.ts";
import type { Message } from "../../../shared/chat/contract.ts";
import { startProvider, playStream, refuse } from "../../../shared/testing/own-provider.ts";
import { ANSWERED_STREAMS, FAILED_STREAMS } from "../../../shared/testing/provider-streams.ts";
import { sweep } from "../../../shared/testing/sweep.ts";
import { usePeople, useResource, useSystem } from "../../../shared/testing/use-system.ts";

/** Each stream is another model's, so that the circuit of none concerns another. */
const ANSWERED = ANSWERED_STREAMS.map((stream, index) => ({ model: `answered-${index}`, stream }));
const FAILED = FAILED_STREAMS.map((stream, index) => ({ model: `failed-${index}`, stream }));

/** What breaks off is tried again after pauses, and all streams are played side by side. */
const ANSWERED_MS_MAX = 60_000;

const provider = useResource(startProvider);
beforeAll(async () => {
  const streams = new Map([...ANSWERED, ...FAILED].map(({ model, stream }) => [model, stream]));
  provider.answer(({ model }, response) => {
    const stream = streams.get(model);
    if (stream === undefined) refuse(response, 400, "Nothing falls back here.");
    else playStream(stream, response);
  });
});
const system = useSystem(() => ({
  env: {
    MODEL_BASE_URL: provider.baseUrl,
    MODEL_FAST: "fallback",
    MODEL_SLOW: "fallback",
    MODELS: JSON.stringify(
      [...ANSWERED, ...FAILED].map(({ model, stream }) => ({
        id: model,
        startsThinking: stream.startsThinking ?? false,
      })),
    ),
  },
}));
const [ada] = usePeople(system, "ada@providers.test");

const chats = "/v1/apps/demo/chats";

async function ask(model: string): Promise<string> {
  const { body } = await ada.api.post(chats, { kind: "assistant", title: "Streams", model });
  const chat = `${chats}/${body.number}`;
  await ada.api.post(`${chat}/messages`, { text: `Hello, ${model}?` });
  return chat;
}

async function answerIn(chat: string, isThere: (message: Message) => boolean): Promise<Message> {
  return vi.waitUntil(
    async () => {
      const message: Message = (await ada.api.get(`${chat}/messages/2`)).body;
      return isThere(message) && message;
    },
    { interval: 20, timeout: ANSWERED_MS_MAX },
  );
}

describe.concurrent("what a provider streams becomes an answer:", { timeout: 2 * ANSWERED_MS_MAX }, () => {
  test.each(ANSWERED.map((each) => [`${each.stream.provider}: ${each.stream.name}`, each] as const))(
    "%s",
    async (_, { model, stream: { expected } }) => {
      const chat = await ask(model);
      const answer = await answerIn(chat, ({ status }) => status !== "queued" && status !== "streaming");
      expect(answer).toMatchObject({
        status: "complete",
        text: expected.text,
        finishReason: expected.finish,
        served: { as: "chosen" },
      });
      expect(answer.thinking?.text ?? "").toBe(expected.thinking ?? "");
      // What the provider told counts where it can be true; else there is an estimate.
      expect(answer.usage?.inputTokens).toBe(expected.usage?.inputTokens ?? answer.usage?.inputTokens);
      expect(answer.usage?.inputTokens).toBeGreaterThan(0);
      for (const count of Object.values(answer.usage ?? {}).filter((value) => typeof value === "number")) {
        expect(Number.isFinite(count) && count >= 0).toBe(true);
      }
      expect(provider.callsTo(model)).toHaveLength(1);
    },
  );
});

describe.concurrent("what a provider refuses", { timeout: 2 * ANSWERED_MS_MAX }, () => {
  const named = FAILED.map((each) => [`${each.stream.provider}: ${each.stream.name}`, each] as const);
  const ownedBy = (owner: string) =>
    named.filter(([, { stream }]) => MODEL_FAILURES[stream.expected.failure] === owner);

  test.each(ownedBy("asker"))(
    "is told to whoever asked, and not tried again: %s",
    async (_, { model, stream }) => {
      const chat = await ask(model);
      const answer = await answerIn(chat, ({ status }) => status === "failed");
      expect(answer.error).toEqual({ code: stream.expected.failure, message: answer.text });
      // A question that is too long is asked once more with less.
      expect(provider.callsTo(model)).toHaveLength(stream.expected.failure === "too_long" ? 2 : 1);
    },
  );

  test.each(ownedBy("operator"))("alerts the operator, and is not tried again: %s", async (_, { model }) => {
    const chat = await ask(model);
    const answer = await answerIn(chat, ({ status }) => status === "failed");
    expect(answer).toMatchObject({ error: { code: "misconfigured" }, served: { as: "none" } });
    expect(provider.callsTo(model)).toHaveLength(1);
    expect(system.logs.filter((line) => line["model"] === model)).toContainEqual(
      expect.objectContaining({ event: "model.misconfigured", severity: "ERROR" }),
    );
  });

  // Each waits for its time to come: a part of them here, all in the full tests.
  test.each(sweep(ownedBy("provider")))("is waited for: %s", async (_, { model, stream }) => {
    const chat = await ask(model);
    const hasSpoken = stream.body.some((part) => part.includes("Hello"));
    const answer = await answerIn(
      chat,
      ({ status, served }) => status === "failed" || (status === "queued" && served?.as === "queued"),
    );
    // A model that breaks off each time in the midst is given up in the end; the others are waited for. What
    // came right before a connection broke may not have come.
    const endings = stream.breaks ? ["failed", "queued"] : [hasSpoken ? "failed" : "queued"];
    expect(endings).toContain(answer.status);
    await ada.api.delete(`${chat}/messages/2/answer`);
  });
});

test("none of it keeps anybody's next message from being found", async () => {
  const { body } = await ada.api.post(chats, { kind: "assistant", title: "Afterwards", model: "answered-0" });
  await ada.api.post(`${chats}/${body.number}/messages`, { text: "The pelican is found" });
  await system.settle();
  const found = await ada.api.get("/v1/apps/demo/search?q=pelican");
  expect(found.body.data).toHaveLength(1);
});
