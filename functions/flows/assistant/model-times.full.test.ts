import { afterEach, expect, test } from "vitest";
import type { Message } from "../../../shared/chat/contract.ts";
import { EventStream } from "../../../shared/testing/event-stream.ts";
import { ENDED, refuse, sse, startProvider, thought, word } from "../../../shared/testing/own-provider.ts";
import { usePeople, useResource, useSystem } from "../../../shared/testing/use-system.ts";

/**
 * Models that take their time. Time itself is what is tested, so it passes: with a clock that is moved, no
 * socket and no client would have had to wait.
 */
const provider = useResource(startProvider);
const system = useSystem(() => ({
  env: {
    MODEL_BASE_URL: provider.baseUrl,
    MODEL_FAST: "main",
    MODEL_SLOW: "main",
    MODELS: JSON.stringify([{ id: "thinker" }, { id: "loader" }, { id: "limited" }]),
  },
}));
const [ada] = usePeople(system, "ada@times.test");
afterEach(() => provider.answer((_, response) => void response.end(sse(word("Hello"), ENDED))));

const chats = "/v1/apps/demo/chats";
const TIME_MAX = { timeout: 180_000, interval: 100 };

async function ask(model: string): Promise<string> {
  const { body } = await ada.api.post(chats, { kind: "assistant", title: "Times", model });
  const chat = `${chats}/${body.number}`;
  await ada.api.post(`${chat}/messages`, { text: `Take your time, ${model}` });
  return chat;
}
const answerOf = async (chat: string): Promise<Message> =>
  (await system.operator.get(`${chat}/messages/2`)).body;

test("a model that thinks for 100 s is called once, streams its thoughts and answers", async () => {
  const THOUGHTS = 100;
  provider.answer((_, response) => {
    let said = 0;
    const timer = setInterval(() => {
      if ((said += 1) <= THOUGHTS) return void response.write(sse(thought(`${said} `)));
      clearInterval(timer);
      response.end(sse(word("42"), ENDED));
    }, 1_000);
    response.on("close", () => clearInterval(timer));
  });
  const chat = await ask("thinker");
  const authorization = `Bearer ${ada.session.accessToken}`;
  await using stream = await EventStream.open(`${system.url}${chat}/messages/2/stream`, undefined, {
    authorization,
  });
  await stream.until((events) => events.some(({ event }) => event === "answer.thinking"));
  await expect.poll(async () => (await answerOf(chat)).status, TIME_MAX).toBe("complete");
  const { text, thinking } = await answerOf(chat);
  expect(text).toBe("42");
  expect(thinking?.text.trim().split(" ")).toHaveLength(THOUGHTS);
  expect(provider.callsTo("thinker")).toHaveLength(1);
});

test("a model that nobody has described loads for 40 s before its first byte, is called once, and answers", async () => {
  provider.answer((_, response) => void setTimeout(() => response.end(sse(word("Ready"), ENDED)), 40_000));
  const chat = await ask("loader");
  await expect.poll(async () => (await answerOf(chat)).status, TIME_MAX).toBe("complete");
  expect((await answerOf(chat)).text).toBe("Ready");
  expect(provider.callsTo("loader")).toHaveLength(1);
});

test("a model that says Retry-After: 20 is called again after 20 s, and answers", async () => {
  provider.answer(({ model }, response) => {
    const isFirst = provider.callsTo("limited").length === 1;
    if (model !== "limited") refuse(response, 503, "down");
    else if (isFirst) refuse(response, 429, "slow down", { "retry-after": "20" });
    else response.end(sse(word("At last"), ENDED));
  });
  const chat = await ask("limited");
  await expect.poll(async () => (await answerOf(chat)).status, TIME_MAX).toBe("complete");
  const [first, second, ...more] = provider.callsTo("limited");
  expect((second?.atMs ?? 0) - (first?.atMs ?? 0)).toBeGreaterThanOrEqual(20_000);
  expect(more).toEqual([]);
});
