import { expect, test } from "vitest";
import { importFile } from "../../../shared/testing/import-file.ts";
import { usePeople, useSystem } from "../../../shared/testing/use-system.ts";

const system = useSystem({ instances: 1 });
const [ada] = usePeople(system, "ada@imports.test");
const chats = "/v1/apps/demo/chats";

const node = (
  id: string,
  parent: string | null,
  role: string,
  text: string,
  time: number | null,
  more = {},
) => ({
  id,
  parent,
  children: [],
  message: {
    id,
    author: { role },
    create_time: time,
    content: { content_type: "text", parts: [text] },
    metadata: {},
    ...more,
  },
});
const treeOf = (...nodes: { id: string }[]) => Object.fromEntries(nodes.map((each) => [each.id, each]));

test("a ChatGPT export comes with its branches, times and models, and the same again changes nothing", async () => {
  const conversation = {
    title: "Soup",
    conversation_id: "c-1",
    create_time: 1_700_000_000,
    current_node: "a2",
    mapping: treeOf(
      { id: "root", parent: null, children: ["u1"], message: null } as never,
      node("u1", "root", "user", "How do I make soup?", 1_700_000_000),
      node("a1", "u1", "assistant", "Boil water.", 1_700_000_010, { metadata: { model_slug: "gpt-4o" } }),
      node("a2", "u1", "assistant", "Chop onions.", 1_700_000_020, { metadata: { model_slug: "o3" } }),
      node("t1", "a1", "tool", "searched", 1_700_000_011),
      node("u2", "t1", "user", "And then?", 1_700_000_030),
    ),
  };
  const bytes = Buffer.from(JSON.stringify([conversation]));
  const file = { name: "conversations.json", type: "application/json", bytes };
  const job = await importFile(system, ada.api, file);
  expect(job).toMatchObject({
    state: "completed",
    result: { chats: 1, messages: 4, existing: 0, skipped: 1 },
  });
  const { body: list } = await ada.api.get(chats);
  expect(list.data).toMatchObject([
    {
      title: "Soup",
      kind: "assistant",
      members: [ada.id],
      messagesCount: 4,
      unreadCount: 0,
      branchesCount: 2,
      latest: { number: 3, text: "Chop onions." },
      createdAt: "2023-11-14T22:13:20.000Z",
    },
  ]);
  const path = `${chats}/${list.data[0].number}`;
  const { body: page } = await ada.api.get(`${path}/messages`);
  expect(
    page.data.map(({ number, text, sentAt, sender }: Record<string, unknown>) => [
      number,
      text,
      sentAt,
      sender,
    ]),
  ).toEqual([
    [3, "Chop onions.", "2023-11-14T22:13:40.000Z", { model: "o3" }],
    [1, "How do I make soup?", "2023-11-14T22:13:20.000Z", { id: ada.id }],
  ]);
  const { body: branches } = await ada.api.get(`${path}/branches`);
  expect(
    branches.data.map(({ id, lastNumber, active }: Record<string, unknown>) => [id, lastNumber, active]),
  ).toEqual([
    ["main", 4, false],
    ["b3", 3, true],
  ]);
  const { body: other } = await ada.api.get(`${path}/messages?branch=main`);
  expect(other.data.map(({ number }: { number: number }) => number)).toEqual([4, 2, 1]);
  expect((await ada.api.get("/v1/apps/demo/search?q=onions")).body.data).toHaveLength(1);
  expect((await ada.api.get("/v1/apps/demo/notifications")).body.data).toEqual([]);
  const report = await ada.api.get(`/v1/apps/demo/files/${String(job.result?.report)}`);
  expect(report.body).toMatchObject({ status: "ready", name: "import-report.csv" });

  const again = await importFile(system, ada.api, file);
  expect(again.result).toMatchObject({ chats: 0, messages: 0, existing: 4 });
  expect((await ada.api.get(path)).body.messagesCount).toBe(4);
});

test("a table's rows come to their chats in their order", async () => {
  const csv = [
    "Conversation;Role;Content;Created At",
    'Trip;user;"Where to?\nSomewhere warm; please";2024-01-01 10:00',
    "Trip;assistant;To Crete.;2024-01-01 10:01",
    "Work;user;Summarise;nonsense",
    "Trip;user;;2024-01-01 10:02",
  ].join("\r\n");
  const file = { name: "chats.csv", type: "text/csv", bytes: Buffer.from(csv) };
  const job = await importFile(system, ada.api, file);
  expect(job).toMatchObject({ state: "completed", result: { chats: 2, messages: 3, skipped: 2 } });
  const { body: list } = await ada.api.get(`${chats}?limit=2`);
  const trip = list.data.find(({ title }: { title: string }) => title === "Trip");
  const { body: page } = await ada.api.get(`${chats}/${trip.number}/messages`);
  expect(page.data.map(({ text }: { text: string }) => text)).toEqual([
    "To Crete.",
    "Where to?\nSomewhere warm; please",
  ]);
  expect((await importFile(system, ada.api, file)).result).toMatchObject({
    chats: 0,
    messages: 0,
    existing: 3,
  });
});

test("whoever names the columns of a table has them read, whatever they are called", async () => {
  const csv = "Wer;Gesagt;Wann;Text\nUwe;Moin;2024-01-01 10:00;unwichtig\nIch;Tach;2024-01-01 10:01;auch\n";
  const file = { name: "gespräche.csv", type: "text/csv", bytes: Buffer.from(csv) };
  const columns = { text: "Gesagt", sender: "Wer", time: "Wann" };
  const job = await importFile(system, ada.api, { ...file, columns });
  expect(job).toMatchObject({ state: "completed", result: { chats: 1, messages: 2, skipped: 0 } });
  const { body: list } = await ada.api.get(chats);
  const table = list.data.find(({ title }: { title: string }) => title === file.name);
  const { body: page } = await ada.api.get(`${chats}/${table.number}/messages`);
  expect(page.data.map(({ text, sentAt }: Record<string, unknown>) => [text, sentAt])).toEqual([
    ["Tach", "2024-01-01T10:01:00.000Z"],
    ["Moin", "2024-01-01T10:00:00.000Z"],
  ]);
  const wrong = await importFile(system, ada.api, { ...file, columns: { text: "Nachricht" } });
  expect(wrong).toMatchObject({ state: "failed", error: { message: expect.stringContaining("named") } });
  const { status, body } = await ada.api.post("/v1/apps/demo/imports", { file: "f", columns: { chat: "A" } });
  expect([status, body.errors.some(({ path }: { path: string }) => path === "columns.text")]).toEqual([
    400,
    true,
  ]);
});

test("lines of JSON are messages, or chats", async () => {
  const lines = [
    { chat: "Garden", sender: "Bob", text: "Tomatoes?", timestamp: 1_700_000_000_000, id: 7 },
    { chat: "Garden", sender: "me", text: "Basil.", timestamp: 1_700_000_001, id: 8 },
    {
      id: "x",
      title: "Sums",
      messages: [
        { role: "user", content: "1+1" },
        { role: "assistant", content: "2" },
      ],
    },
  ];
  const text = `${lines.map((line) => JSON.stringify(line)).join("\n")}\n{broken\n`;
  const job = await importFile(system, ada.api, {
    name: "x.jsonl",
    type: "text/plain",
    bytes: Buffer.from(text),
  });
  expect(job.result).toMatchObject({ chats: 2, messages: 4, skipped: 1 });
  const { body: list } = await ada.api.get(chats);
  const garden = list.data.find(({ title }: { title: string }) => title === "Garden");
  const { body: page } = await ada.api.get(`${chats}/${garden.number}/messages`);
  expect(page.data.map(({ text: said, sender }: Record<string, unknown>) => [said, sender])).toEqual([
    ["Basil.", { id: ada.id }],
    ["Tomatoes?", { id: ada.id, bot: "Bob" }],
  ]);
});
