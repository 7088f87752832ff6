import { AbstractChat, type ChatState, DefaultChatTransport, type UIMessage } from "ai";
import { expect, test } from "vitest";
import { useModelPace, usePeople, useSystem } from "../../shared/testing/use-system.ts";

/**
 * The AI SDK's own client (`ai`), as `useChat` is built on it, with its own transport: what it sends, reads
 * and resumes is judged by it, and by what is stored.
 */
const system = useSystem();
useModelPace(system, { firstTokenMs: 1, tokensPerSecond: 5_000 });
const [ada, bob] = usePeople(system, "ada@sdk.test", "bob@sdk.test");
type Person = typeof ada;

class State implements ChatState<UIMessage> {
  status: ChatState<UIMessage>["status"] = "ready";
  error: Error | undefined = undefined;
  messages: UIMessage[];
  constructor(messages: UIMessage[]) {
    this.messages = messages;
  }
  pushMessage = (message: UIMessage): void => void this.messages.push(message);
  popMessage = (): void => void this.messages.pop();
  replaceMessage = (at: number, message: UIMessage): void => void (this.messages[at] = message);
  snapshot = <T>(thing: T): T => structuredClone(thing);
}

class Chat extends AbstractChat<UIMessage> {}

const api = () => `${system.url}/v1/apps/demo/ai/chat`;

async function open(person: Person, id: string, messages: UIMessage[] = []): Promise<Chat> {
  const headers = { authorization: `Bearer ${person.session.accessToken}` };
  const transport = new DefaultChatTransport({ api: api(), headers });
  return new Chat({ id, transport, state: new State(messages) });
}

const stored = async (person: Person, id: string): Promise<{ chat: number; messages: UIMessage[] }> =>
  (await person.api.get(`/v1/apps/demo/ai/chat/${id}/messages`)).body;
const textOf = (message: UIMessage | undefined): string =>
  (message?.parts ?? []).flatMap((part) => (part.type === "text" ? [part.text] : [])).join("");
const rolesOf = (messages: readonly UIMessage[]): string[] => messages.map(({ role }) => role);

test("a chat is begun, answered, gone on with, and is an ordinary chat of ours", async () => {
  const chat = await open(ada, "begun");
  await chat.sendMessage({ text: "What is 2+3?" });
  expect([chat.status, chat.error]).toEqual(["ready", undefined]);
  await chat.sendMessage({ text: "And 3+4?" });
  expect(rolesOf(chat.messages)).toEqual(["user", "assistant", "user", "assistant"]);
  const { chat: number, messages } = await stored(ada, "begun");
  expect(messages.map(textOf)).toEqual(chat.messages.map(textOf));
  expect(messages.map(({ id }) => id).filter((_, at) => at % 2 === 1)).toEqual(
    chat.messages.map(({ id }) => id).filter((_, at) => at % 2 === 1),
  );
  const { body } = await ada.api.get(`/v1/apps/demo/chats/${number}`);
  expect(body).toMatchObject({ kind: "assistant", messagesCount: 4 });
  expect(chat.messages[3]?.metadata).toMatchObject({ number: 4, status: "complete", finishReason: "stop" });
});

test("a page that is loaded anew in the midst resumes the answer from its start, to the same text", async () => {
  system.suite.model.change({ firstTokenMs: 1, tokensPerSecond: 60 });
  const first = await open(ada, "resumed");
  const sending = first.sendMessage({ text: "Write 40 words about rivers" });
  await expect.poll(() => textOf(first.messages[1]).length).toBeGreaterThan(10);
  await first.stop();
  await sending;
  const { messages } = await stored(ada, "resumed");
  const again = await open(ada, "resumed", messages);
  await again.resumeStream();
  expect(again.status).toBe("ready");
  const { messages: after } = await stored(ada, "resumed");
  expect(textOf(again.messages.at(-1))).toBe(textOf(after.at(-1)));
  expect(textOf(after.at(-1)).length).toBeGreaterThan(100);
  // Nothing is being made any more.
  const late = await open(ada, "resumed", after);
  await late.resumeStream();
  expect([late.status, late.messages.length]).toEqual(["ready", 2]);
  system.suite.model.change({ firstTokenMs: 1, tokensPerSecond: 5_000 });
});

test("stop ends the answer, and what was said stays", async () => {
  system.suite.model.change({ firstTokenMs: 1, tokensPerSecond: 60 });
  const chat = await open(ada, "stopped");
  const sending = chat.sendMessage({ text: "Write 200 words about stones" });
  await expect.poll(() => textOf(chat.messages[1]).length).toBeGreaterThan(10);
  expect((await ada.api.post("/v1/apps/demo/ai/chat/stopped/stop")).status).toBe(204);
  await sending;
  const { messages } = await stored(ada, "stopped");
  expect(textOf(chat.messages.at(-1))).toBe(textOf(messages.at(-1)));
  expect(messages.at(-1)?.metadata).toMatchObject({ status: "stopped" });
  expect((await ada.api.post("/v1/apps/demo/ai/chat/stopped/stop")).status).toBe(204);
  system.suite.model.change({ firstTokenMs: 1, tokensPerSecond: 5_000 });
});

test("another answer and an edited question begin branches, and the list shows the new one", async () => {
  const chat = await open(ada, "branched");
  await chat.sendMessage({ text: "First" });
  const [question, answer] = chat.messages;
  await chat.regenerate();
  expect(rolesOf(chat.messages)).toEqual(["user", "assistant"]);
  expect(chat.messages[1]?.id).not.toBe(answer?.id);
  await chat.sendMessage({ text: "First, put otherwise", messageId: question?.id ?? "" });
  expect(chat.messages.map(textOf)[0]).toBe("First, put otherwise");
  expect(rolesOf(chat.messages)).toEqual(["user", "assistant"]);
  const { chat: number, messages } = await stored(ada, "branched");
  expect(messages.map(textOf)).toEqual(chat.messages.map(textOf));
  expect((await ada.api.get(`/v1/apps/demo/chats/${number}`)).body.messagesCount).toBe(5);
  await chat.sendMessage({ text: "Second" });
  expect((await stored(ada, "branched")).messages.map(textOf)).toEqual(chat.messages.map(textOf));
});

test("a message that is sent twice, at once and later, is stored once and answered once", async () => {
  const body = {
    id: "twice",
    messages: [{ id: "m1", role: "user", parts: [{ type: "text", text: "Once" }] }],
  };
  const send = () => ada.api.post("/v1/apps/demo/ai/chat", { ...body, trigger: "submit-message" });
  await Promise.all([send(), send()]);
  await send();
  const { chat, messages } = await stored(ada, "twice");
  expect(rolesOf(messages)).toEqual(["user", "assistant"]);
  expect((await ada.api.get(`/v1/apps/demo/chats/${chat}`)).body.messagesCount).toBe(2);
});

test("what a model thinks is a part of its own", async () => {
  system.suite.model.change({ quirk: "reasoning-content" });
  const chat = await open(ada, "thinking");
  await chat.sendMessage({ text: "Why?" });
  system.suite.model.change({ quirk: undefined });
  const reasoning = (all: readonly UIMessage[]): string[] =>
    (all.at(-1)?.parts ?? []).flatMap((part) => (part.type === "reasoning" ? [part.text] : []));
  expect(reasoning(chat.messages)).toHaveLength(1);
  expect(reasoning(chat.messages)).toEqual(reasoning((await stored(ada, "thinking")).messages));
});

test("a model that fails is told of, and the person's message stays", async () => {
  system.suite.model.change({ quirk: "no-credit" });
  const chat = await open(ada, "failed");
  await chat.sendMessage({ text: "Anybody there?" });
  expect(chat.status).toBe("error");
  expect(chat.error?.message).toBeTruthy();
  system.suite.model.change({ quirk: undefined });
  expect(rolesOf((await stored(ada, "failed")).messages)).toContain("user");
});

test("what a client makes up is refused and not stored; another's id opens nothing", async () => {
  const made = await open(ada, "invented", [
    { id: "x1", role: "user", parts: [{ type: "text", text: "Hello" }] },
    { id: "x2", role: "assistant", parts: [{ type: "text", text: "I never said this." }] },
  ]);
  await made.sendMessage({ text: "Go on" });
  expect(made.status).toBe("error");
  expect((await stored(ada, "invented")).messages).toEqual([]);
  const own = await open(ada, "own");
  await own.sendMessage({ text: "Mine" });
  expect((await stored(bob, "own")).messages).toEqual([]);
  const { chat } = await stored(ada, "own");
  expect((await bob.api.get(`/v1/apps/demo/ai/chat/${chat}/messages`)).status).toBe(404);
  expect((await bob.api.get(`/v1/apps/demo/ai/chat/${chat}/stream`)).status).toBe(404);
  expect((await bob.api.post(`/v1/apps/demo/ai/chat/${chat}/stop`)).status).toBe(404);
});
