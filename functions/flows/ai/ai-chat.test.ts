import { describe, expect, test } from "vitest";
import { UI_MESSAGES_MAX } from "../../../shared/ai-sdk/contract.ts";
import {
  startChat,
  useInstance,
  useModelPace,
  usePeople,
  useSystem,
} from "../../../shared/testing/use-system.ts";
import { isCloud } from "../../../shared/testing/start-system.ts";

/** What the AI SDK's client sends and reads, by its wire; it itself judges in bench/judges. */
const system = useSystem();
useModelPace(system, { firstTokenMs: 0, tokensPerSecond: 10_000 });
const elsewhere = useInstance(system);
const [ada, bob] = usePeople(system, "ada@ai.test", "bob@ai.test");
const path = "/v1/apps/demo/ai/chat";

const user = (id: string, text: string) => ({ id, role: "user", parts: [{ type: "text", text }] });

/** Posts and reads to the end. */
async function send(body: object, by = ada): Promise<{ status: number; headers: Headers; said: unknown[] }> {
  const response = await fetch(`${system.url}${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${by.session.accessToken}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  const lines = text.split("\n\n").flatMap((frame) => (frame.startsWith("data: ") ? [frame.slice(6)] : []));
  const said = lines.map((line) => (line === "[DONE]" ? line : (JSON.parse(line) as unknown)));
  return { status: response.status, headers: response.headers, said };
}

test("a message is answered as the SDK's protocol has it", async () => {
  const { status, headers, said } = await send({ id: "wire", messages: [user("u1", "What is 2+3?")] });
  expect([status, headers.get("x-vercel-ai-ui-message-stream")]).toEqual([200, "v1"]);
  expect(headers.get("content-type")).toBe("text/event-stream");
  const types = said.map((chunk) => (chunk as { type?: string }).type ?? chunk);
  expect(types.slice(0, 3)).toEqual(["start", "start-step", "text-start"]);
  expect(types.slice(-4)).toEqual(["text-end", "finish-step", "finish", "[DONE]"]);
  const { body } = await ada.api.get(`${path}/wire/messages`);
  expect(said[0]).toMatchObject({ messageId: body.messages[1].id });
});

describe("refused, and nothing is stored:", () => {
  const refused: [string, number, object][] = [
    ["no message", 400, { id: "none", messages: [] }],
    ["a message of the model's", 400, { id: "none", messages: [{ ...user("x", "Hi"), role: "assistant" }] }],
    ["an empty text", 400, { id: "none", messages: [user("x", "")] }],
    [
      "a file",
      400,
      { id: "none", messages: [{ id: "x", role: "user", parts: [{ type: "file", url: "data:,x" }] }] },
    ],
    ["a model that there is not", 400, { id: "none", model: "nobody", messages: [user("x", "Hi")] }],
    [
      "more messages than are taken",
      400,
      { id: "none", messages: Array.from({ length: UI_MESSAGES_MAX + 1 }, () => user("x", "Hi")) },
    ],
    [
      "a list that does not begin as the chat",
      400,
      { id: "none", messages: [user("x", "Hi"), { ...user("y", "Ho"), role: "assistant" }, user("z", "Hi")] },
    ],
    ["another answer where there is no chat", 404, { id: "never", trigger: "regenerate-message" }],
    [
      "another answer to what there is not",
      404,
      { id: "wire", trigger: "regenerate-message", messageId: "nowhere" },
    ],
    ["a chat that there is not", 404, { id: "999", messages: [user("x", "Hi")] }],
  ];
  test.each(refused)("%s", async (_, status, body) => {
    const reply = await ada.api.post(path, body);
    expect(reply.status).toBe(status);
    expect(reply.headers.get("content-type")).toBe("application/problem+json");
    expect((await ada.api.get(`${path}/none/messages`)).body.messages).toEqual([]);
  });

  test("a chat in which no model answers", async () => {
    const { number } = await startChat(ada.api, { members: [bob] });
    expect((await ada.api.post(path, { id: String(number), messages: [user("x", "Hi")] })).status).toBe(409);
    expect((await ada.api.post(`${path}/${number}/stop`)).status).toBe(204);
  });
});

test("one may send the newest message alone, in place of an earlier one too", async () => {
  await send({ id: "alone", message: user("m1", "One") });
  await send({ id: "alone", message: user("m2", "Two") });
  const { body } = await ada.api.get(`${path}/alone/messages`);
  const two = body.messages[2].id;
  await send({ id: "alone", message: user(two, "Two, edited"), messageId: two });
  const { body: after } = await ada.api.get(`${path}/alone/messages`);
  const texts = after.messages.flatMap(({ role, parts }: { role: string; parts: { text: string }[] }) =>
    role === "user" ? [parts[0]?.text] : [],
  );
  expect(texts).toEqual(["One", "Two, edited"]);
});

test("the same id begun on two instances at once is one chat, whose two first messages are both there", async () => {
  const messages = [ada.api, elsewhere.as(ada)].map((api, at) =>
    api.post(path, { id: "raced", message: user(`r${at}`, `From ${at}`) }),
  );
  expect((await Promise.all(messages)).map(({ status }) => status)).toEqual([200, 200]);
  const { body } = await ada.api.get(`${path}/raced/messages`);
  expect((await ada.api.get(`/v1/apps/demo/chats/${body.chat}`)).body.messagesCount).toBe(4);
});

test("another's id is another chat", async () => {
  await send({ id: "shared", messages: [user("u", "Ada's")] });
  await send({ id: "shared", messages: [user("u", "Bob's")] }, bob);
  const [mine, theirs] = await Promise.all(
    [ada, bob].map(async ({ api }) => (await api.get(`${path}/shared/messages`)).body),
  );
  expect(mine.chat).not.toBe(theirs.chat);
});

// In cloud mode deliveries come twice, and cost what the second one costs.
test.skipIf(isCloud)(
  "it costs an id's and a neighbour's read more than our own way, and the stream's",
  async () => {
    const { path: own } = await startChat(ada.api, { kind: "assistant", title: "Own" });
    await ada.api.post(`${own}/messages`, { text: "One" });
    await send({ id: "cost", messages: [user("c1", "One")] });
    await system.settle();
    const ours = await system.meter(() => ada.api.post(`${own}/messages`, { text: "Two" }));
    const { body } = await ada.api.get(`${path}/cost/messages`);
    const theirs = await system.meter(() =>
      send({ id: "cost", messages: [...body.messages, user("c2", "Two")] }),
    );
    // The id, the head, the message before, the answer by its number, and what its reader follows; a slot.
    expect(theirs.billed.reads).toBeLessThanOrEqual(ours.billed.reads + 12);
    expect(theirs.billed.writes).toBeLessThanOrEqual(ours.billed.writes + 2);
    const read = await system.meterRequest(() => ada.api.get(`${path}/cost/messages`));
    expect(read.billed.reads).toBeLessThanOrEqual(4);
    const idle = await system.meterRequest(() => ada.api.get(`${path}/cost/stream`));
    expect([idle.billed.reads, idle.billed.writes]).toEqual([4, 0]);
  },
);
