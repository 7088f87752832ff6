import { expect, test } from "vitest";
import { chatGptNode as node, chatGptTree as tree } from "../../testing/chat-exports.ts";
import type { Found } from "../found.ts";
import { parseElement } from "./elements.ts";
import { guessMapping, parseRow } from "./rows.ts";
import { parseSlackMessage, slackNames } from "./slack.ts";
import { timeIn } from "./values.ts";

/** What users of each product have found in their exports, and what becomes of it. */
const of = { file: "f", row: 1, fallbackTitle: "file" };
const parse = (value: unknown): Found => parseElement(value, "", of);
const textsOf = ({ chats }: Found) => chats.flatMap(({ messages }) => messages.map(({ text }) => text));
const parentsOf = ({ chats }: Found) =>
  Object.fromEntries(chats.flatMap(({ messages }) => messages.map(({ id, parent }) => [id, parent])));
const chatGpt = (mapping: object, more: object = {}) => ({
  title: "T",
  conversation_id: "c",
  mapping,
  ...more,
});

test("ChatGPT: no title, no times, a parent that is not there, nodes without a message", () => {
  const found = parse(
    chatGpt(
      tree(
        { id: "root", parent: null, children: ["a"], message: null } as never,
        node("a", "root", "user", "Hello"),
        node("b", "a", "assistant", "Hi"),
        node("lost", "nowhere", "user", "Who am I?"),
      ),
      { title: null },
    ),
  );
  expect(found.chats[0]).toMatchObject({ title: "", source: "chatgpt:c", tip: "lost", isWhole: true });
  expect(parentsOf(found)).toEqual({ a: null, b: "a", lost: null });
  expect(found.left).toEqual([]);
});

test("ChatGPT: messages in a circle are kept, and said", () => {
  const found = parse(
    chatGpt(
      tree(node("a", "b", "user", "One"), node("b", "a", "user", "Two"), node("c", "c", "user", "Three")),
    ),
  );
  expect(textsOf(found).toSorted()).toEqual(["One", "Three", "Two"]);
  expect(found.left.map(({ why }) => why)).toEqual(["its messages name one another as parents in a circle"]);
});

test("ChatGPT: set-up, thoughts, tools, code, pictures and what is not known", () => {
  const content = (value: object) => ({ content: value });
  const found = parse(
    chatGpt(
      tree(
        node("s", null, "system", ""),
        node("c", "s", "user", "", 1, content({ content_type: "user_editable_context", user_profile: "I" })),
        node("u", "c", "user", "Draw", 2),
        node(
          "t",
          "u",
          "assistant",
          "",
          3,
          content({ content_type: "thoughts", thoughts: [{ summary: "Plan", content: "a cat" }] }),
        ),
        node("k", "t", "assistant", "", 4, {
          ...content({ content_type: "code", language: "python", text: "1" }),
          recipient: "python",
        }),
        node("o", "k", "tool", "", 5, content({ content_type: "execution_output", text: "1" })),
        node(
          "i",
          "o",
          "tool",
          "",
          6,
          content({
            content_type: "multimodal_text",
            parts: [{ content_type: "image_asset_pointer", asset_pointer: "sediment://file_0a#x" }],
          }),
        ),
        node("a", "i", "assistant", "See \uE200cite\uE202turn0\uE201this", 7),
        node("x", "a", "assistant", "", 8, content({ content_type: "hologram", data: 1 })),
        node(
          "v",
          "a",
          "user",
          "",
          9,
          content({
            content_type: "multimodal_text",
            parts: [
              { content_type: "audio_transcription", text: "Spoken" },
              { content_type: "audio_asset_pointer" },
            ],
          }),
        ),
      ),
    ),
  );
  const [chat] = found.chats;
  expect(chat?.messages.map(({ id, text, author }) => [id, text, author])).toEqual([
    ["u", "Draw", { self: true }],
    ["i", "", { model: "chatgpt" }],
    ["a", "See this", { model: "chatgpt" }],
    ["v", "Spoken", { self: true }],
  ]);
  expect(chat?.messages[1]).toMatchObject({
    files: [{ key: "file_0a" }],
    thinking: "Plan\na cat",
    parent: "u",
  });
  expect(found.left.map(({ why }) => why).toSorted()).toEqual([
    "2 calls of tools and their results",
    "content of the kind hologram",
  ]);
});

test("ChatGPT: a conversation without a message, and 50,000 messages in a row", () => {
  expect(parse(chatGpt({})).left).toEqual([{ where: "#1", what: "chat", why: "it has no message" }]);
  const nodes = Array.from({ length: 50_000 }, (_, index) =>
    node(`n${index}`, index === 0 ? null : `n${index - 1}`, "user", "x", index + 1),
  );
  expect(textsOf(parse(chatGpt(tree(...nodes.toReversed()))))).toHaveLength(50_000);
});

test("Claude: blocks, thinking, attachments, and turns that were written anew", () => {
  const found = parse({
    uuid: "c1",
    name: "",
    created_at: "2025-01-01T00:00:00Z",
    chat_messages: [
      {
        uuid: "m1",
        sender: "human",
        text: "Read",
        content: [{ type: "text", text: "Read" }],
        parent_message_uuid: "00000000-0000-4000-8000-000000000000",
        created_at: "2025-01-01T00:00:01.5Z",
        attachments: [{ file_name: "a.txt", extracted_content: "Inside" }],
        files: [{ file_name: "b.png" }],
      },
      {
        uuid: "m2",
        sender: "assistant",
        content: [{ type: "thinking", thinking: "Hm" }, { type: "tool_use" }, { type: "text", text: "Done" }],
        parent_message_uuid: "m1",
        created_at: "2025-01-01T00:00:02Z",
      },
      {
        uuid: "m3",
        sender: "human",
        text: "Again",
        content: [],
        parent_message_uuid: "m1",
        created_at: "2025-01-01T00:00:03Z",
      },
      {
        uuid: "m4",
        sender: "assistant",
        text: "",
        content: [],
        parent_message_uuid: "m3",
        created_at: "2025-01-01T00:00:04Z",
      },
    ],
  });
  expect(textsOf(found)).toEqual(["Read\n\na.txt:\n\nInside", "Done", "Again"]);
  expect(parentsOf(found)).toEqual({ m1: null, m2: "m1", m3: "m1" });
  expect(found.chats[0]?.messages[1]).toMatchObject({
    thinking: "Hm",
    author: { model: "claude" },
    sentMs: Date.UTC(2025, 0, 1, 0, 0, 2),
  });
  expect(found.left.map(({ what, why }) => [what, why])).toEqual([
    ["file", "b.png is not in the export"],
    ["message", "1 calls of tools and their results"],
  ]);
});

test("LibreChat: messages within their parents, or flat with parents named", () => {
  const nested = parse({
    conversationId: "l1",
    title: "L",
    options: { model: "mixtral" },
    messages: [
      {
        messageId: "1",
        text: "Q",
        isCreatedByUser: true,
        children: [
          { messageId: "2", text: "A", isCreatedByUser: false, children: [] },
          {
            messageId: "3",
            content: [
              { type: "think", think: "T" },
              { type: "text", text: { value: "B" } },
            ],
          },
        ],
      },
    ],
  });
  expect(parentsOf(nested)).toEqual({ 1: null, 2: "1", 3: "1" });
  expect(nested.chats[0]?.messages[2]).toMatchObject({
    text: "B",
    thinking: "T",
    author: { model: "mixtral" },
  });
  const flat = parse({
    conversationId: "l2",
    messages: [
      {
        messageId: "1",
        parentMessageId: "00000000-0000-0000-0000-000000000000",
        text: "Q",
        isCreatedByUser: true,
        createdAt: "2024-05-05T05:05:05.000Z",
      },
      { messageId: "2", parentMessageId: "1", text: "A", sender: "GPT-4", model: "gpt-4" },
    ],
  });
  expect(parentsOf(flat)).toEqual({ 1: null, 2: "1" });
});

test("Open WebUI: a tree with times in seconds, and thoughts in the text", () => {
  const found = parse({
    id: "w1",
    title: "W",
    created_at: 1_700_000_000,
    chat: {
      models: ["llama3"],
      history: {
        currentId: "b",
        messages: {
          a: { id: "a", parentId: null, role: "user", content: "Q", timestamp: 1_700_000_000 },
          b: {
            id: "b",
            parentId: "a",
            role: "assistant",
            content:
              '<details type="reasoning" done="true">\n<summary>Thought</summary>\n> Because\n</details>\nA',
            timestamp: 1_700_000_001,
          },
          c: {
            id: "c",
            parentId: "a",
            role: "assistant",
            content: "C",
            model: "qwen",
            timestamp: 1_700_000_002,
          },
        },
      },
    },
  });
  expect(found.chats[0]).toMatchObject({ source: "openwebui:w1", tip: "b" });
  expect(found.chats[0]?.messages.map(({ text, thinking, author }) => [text, thinking, author])).toEqual([
    ["Q", undefined, { self: true }],
    ["A", "Because", { model: "llama3" }],
    ["C", undefined, { model: "qwen" }],
  ]);
});

test("Slack: mentions, links, who somebody is, and what is no message", () => {
  const names = slackNames(
    [{ id: "U1", name: "ada", profile: { display_name: "Ada", email: "ada@x.test" } }],
    [[{ id: "C1", name: "general", members: ["U1", "U9"] }]],
  );
  const parseDay = (value: object) =>
    parseSlackMessage(
      { type: "message", ts: "1700000000.000100", ...value },
      { channel: "general", names },
      "w",
    );
  const found = parseDay({
    user: "U1",
    text: "<@U1> see <https://x.test|x> &amp; <#C1|general>",
    files: [{ name: "a.png" }],
  });
  expect(found.chats[0]).toMatchObject({
    source: "slack:C1",
    title: "general",
    kind: "group",
    people: [{ name: "Ada" }],
  });
  expect(found.chats[0]?.messages[0]).toMatchObject({
    text: "@Ada see x (https://x.test) & #general",
    author: { name: "Ada", email: "ada@x.test" },
    sentMs: 1_700_000_000_000,
  });
  expect(found.left).toEqual([{ where: "w", what: "file", why: "a.png is not in the export" }]);
  expect(parseDay({ subtype: "channel_join", user: "U1", text: "joined" })).toEqual({ chats: [], left: [] });
  expect(parseDay({ user: "U7", text: "" }).left[0]?.why).toBe("it has no text");
  expect(
    parseDay({ subtype: "bot_message", username: "Bot", text: "Hi" }).chats[0]?.messages[0]?.author,
  ).toEqual({ name: "Bot" });
});

test("rows: columns by whatever name, ids, times that can't be read, and texts that are missing", () => {
  const mapping = guessMapping(["Message ID", "Chat Name", "Sender", "Message", "Date"]);
  expect(mapping).toEqual({
    id: "Message ID",
    title: "Chat Name",
    sender: "Sender",
    text: "Message",
    time: "Date",
  });
  expect(guessMapping(["a", "b"])).toBeUndefined();
  const row = { "Message ID": 5, "Chat Name": "G", Sender: "bob@x.test", Message: "Hi", Date: "yesterday" };
  const found = parseRow(row, mapping ?? {}, of);
  expect(found.chats[0]).toMatchObject({ title: "G", kind: "group" });
  expect(found.chats[0]?.messages[0]).toMatchObject({
    id: "5",
    author: { name: "bob@x.test", email: "bob@x.test" },
  });
  expect(found.left[0]?.why).toContain("time");
  expect(parseRow({ Message: " " }, mapping ?? {}, of).left[0]?.why).toBe("it has no text");
});

test("what is no conversation is said to be none", () => {
  for (const value of [
    1,
    null,
    "x",
    [],
    {},
    { mapping: 3 },
    { chat: 1 },
    { __proto__: null, messages: [] },
  ]) {
    expect(parse(value)).toEqual({
      chats: [],
      left: [{ where: "#1", what: "row", why: "it is no conversation and no message" }],
    });
  }
});

test("times are seconds, milliseconds or texts; what can't be stored is none", () => {
  const ms = Date.UTC(2024, 0, 2, 3, 4, 5);
  for (const value of [ms / 1000, ms, String(ms / 1000), "2024-01-02T03:04:05Z", "2024-01-02 03:04:05"]) {
    expect(timeIn(value)).toBe(ms);
  }
  for (const value of [null, "", "soon", Number.NaN, -1, 1e300, 0, {}, true])
    expect(timeIn(value)).toBeUndefined();
});
