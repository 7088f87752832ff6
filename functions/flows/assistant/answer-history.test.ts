import { expect, test } from "vitest";
import { LONG_MESSAGES } from "../../../shared/assistant/history.ts";
import type { Message } from "../../../shared/chat/contract.ts";
import { startChat, useModelPace, useSystem } from "../../../shared/testing/use-system.ts";

const system = useSystem();
useModelPace(system, { firstTokenMs: 1, tokensPerSecond: 20_000 });

const chats = "/v1/apps/demo/chats";
const newChat = async (): Promise<string> =>
  (await startChat(system.operator, { kind: "assistant", title: "Questions" })).path;
const messageAt = async (chat: string, number: number): Promise<Message> =>
  (await system.operator.get(`${chat}/messages/${number}`)).body;

async function ask(chat: string, text: string): Promise<Message> {
  const { body } = await system.operator.post(`${chat}/messages`, { text });
  const number = body.answer?.number ?? 0;
  await expect.poll(async () => (await messageAt(chat, number)).status, { interval: 5 }).toBe("complete");
  return messageAt(chat, number);
}

const summariesOf = async (chat: string): Promise<{ upTo: number; text: string }[]> => {
  const found = await system.deps.firestore
    .collection(`apps/demo/chats/${chat.split("/").at(-1)}/summaries`)
    .orderBy("upTo")
    .get();
  return found.docs.map((each) => ({ upTo: each.get("upTo"), text: each.get("body.text") }));
};

/** The window of the emulated models. */
const windowTokens = 32_768;

/** What the model was given with its last question. */
const tokensAsked = (answer: Message): number => answer.usage?.inputTokens ?? 0;

test(
  "a long conversation is summarised in the background, and its model is given less than it said",
  {
    timeout: 60_000,
  },
  async () => {
    const chat = await newChat();
    const paragraph = "We agreed that the blue boat leaves on Thursday. ".repeat(20);
    let answer = await ask(chat, "repeat after me: begin");
    for (let turn = 0; turn < LONG_MESSAGES / 2; turn += 1)
      answer = await ask(chat, `repeat after me: ${turn} ${paragraph}`);
    await system.settle();
    const summaries = await summariesOf(chat);
    expect(summaries.length).toBeGreaterThan(0);
    expect(summaries.at(-1)?.upTo).toBeGreaterThan(4);
    answer = await ask(chat, "And now?");
    expect(tokensAsked(answer)).toBeLessThan(windowTokens);
    await system.settle();

    // The same tasks again, as a queue may deliver them: nothing more is made, nothing more is paid.
    const before = { summaries: await summariesOf(chat), usage: await usage() };
    system.suite.kernel.clock.advance(3 * 3600_000);
    await system.runSchedule("recover-answers");
    await system.settle();
    expect({ summaries: await summariesOf(chat), usage: await usage() }).toEqual(before);

    // What was in a summary and is deleted is in none.
    const { upTo } = before.summaries[0] ?? { upTo: 0 };
    await system.operator.delete(`${chat}/messages/${upTo - 1}`);
    await system.settle();
    expect(await summariesOf(chat)).toEqual([]);

    await system.operator.delete(chat);
    await system.settle();
    expect(await summariesOf(chat)).toEqual([]);
  },
);

const usage = async (): Promise<unknown> => (await system.operator.get("/v1/apps/demo/usage")).body.data;

test("a branch is given the summary of its own path only", { timeout: 60_000 }, async () => {
  const chat = await newChat();
  const paragraph = "The password of the harbour office is not to be said. ".repeat(20);
  for (let turn = 0; turn <= LONG_MESSAGES / 2; turn += 1)
    await ask(chat, `repeat after me: ${turn} ${paragraph}`);
  await system.settle();
  expect((await summariesOf(chat)).length).toBeGreaterThan(0);
  const { body } = await system.operator.post(`${chat}/messages`, { text: "Hello", after: 2 });
  const number = body.answer.number;
  await expect.poll(async () => (await messageAt(chat, number)).status).toBe("complete");
  // Two messages before it and itself; of a summary nothing.
  expect(tokensAsked(await messageAt(chat, number))).toBeLessThan(2 * 300 + 50);
});

test("every conversation begins with what the app says", async () => {
  await system.operator.patch("/v1/apps/demo", {
    settings: { assistant: { systemPrompt: "You are Marvin, a ship's cook." } },
  });
  const answer = await ask(await newChat(), "Who are you?");
  expect(answer.text).toContain("Marvin");
});

test("a chat may name a model, where the app has a list only one of those", async () => {
  const create = (model: string) => system.operator.post(chats, { kind: "assistant", model });
  const { body } = await create("emulated-large");
  const chat = `${chats}/${body.number}`;
  expect((await ask(chat, "Hello")).sender).toEqual({ model: "emulated-large" });
  await system.operator.patch("/v1/apps/demo", { settings: { models: ["emulated-small"] } });
  expect((await create("emulated-large")).status).toBe(400);
  expect((await create("emulated-small")).status).toBe(201);
  expect((await system.operator.patch(chat, { model: "no-such-model" })).status).toBe(400);
  // What was named before the list was made is not asked any more.
  expect((await ask(chat, "Hello again")).sender).toEqual({ model: "emulated-small" });
});
