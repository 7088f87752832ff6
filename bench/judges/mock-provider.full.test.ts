import { LLMock } from "@copilotkit/aimock";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Message } from "../../shared/chat/contract.ts";
import { useSystem } from "../../shared/testing/use-system.ts";

/**
 * A published server that speaks as OpenAI does stands where the model is. It is held against providers every
 * day.
 */
const mock = new LLMock({ port: 0 });
beforeAll(async () => {
  mock
    .onMessage(/ferry/, { content: "At nine. ".repeat(100) })
    .onMessage(/puzzle/, { content: "42", reasoning: "Six times seven." })
    .onMessage(/novel/, { content: "It was a dark and", finishReason: "length" })
    .onMessage(/secret/, { content: "", finishReason: "content_filter" })
    .onMessage(/broken/, { content: "Half of it is missing here" }, { truncateAfterChunks: 2 })
    .onMessage(/limit/, { error: { message: "Rate limit reached", type: "rate_limit_error" }, status: 429 })
    .onMessage(/key/, { error: { message: "Incorrect API key", code: "invalid_api_key" }, status: 401 });
  await mock.start();
});
afterAll(() => mock.stop());
const system = useSystem(() => ({
  env: { MODEL_BASE_URL: `${mock.url}/v1`, MODEL_FAST: "gpt-5-mini", MODEL_SLOW: "gpt-5-mini" },
}));

const chats = "/v1/apps/demo/chats";

/** Each in a chat of its own, until the answer has ended or waits for the model. */
async function answerTo(text: string): Promise<Message> {
  const { body } = await system.operator.post(chats, { kind: "assistant", title: "Judged" });
  const path = `${chats}/${body.number}/messages`;
  await system.operator.post(path, { text });
  const read = async (): Promise<Message> => (await system.operator.get(`${path}/2`)).body;
  const isSettled = ({ status, served }: Message): boolean =>
    status === "queued" ? served?.as === "queued" : status !== "streaming";
  await expect.poll(async () => isSettled(await read()), { timeout: 60_000, interval: 50 }).toBe(true);
  return read();
}

test("an answer is whole, with the usage that the server told", async () => {
  const answer = await answerTo("When does the ferry leave?");
  expect(answer).toMatchObject({ status: "complete", text: "At nine. ".repeat(100), finishReason: "stop" });
  expect(answer.usage?.outputTokens).toBeGreaterThan(0);
});

test("thinking is kept apart from the answer", async () => {
  const answer = await answerTo("A puzzle");
  expect(answer).toMatchObject({ status: "complete", text: "42", thinking: { text: "Six times seven." } });
});

test("an answer that reached the limit says so, and one that was filtered says so", async () => {
  expect(await answerTo("Write a novel")).toMatchObject({
    status: "complete",
    text: "It was a dark and",
    finishReason: "length",
  });
  expect(await answerTo("Tell me a secret")).toMatchObject({ finishReason: "content_filter" });
});

test("a wrong key is the operator's; a stream that breaks off and a limit are waited for", async () => {
  expect((await answerTo("key")).error?.code).toBe("misconfigured");
  expect((await answerTo("broken")).status).not.toBe("complete");
  expect((await answerTo("limit")).status).toBe("queued");
});
