import { expect, test } from "vitest";
import type { Job } from "../../../shared/jobs/contract.ts";
import { chatGptNode, chatGptTree, longChatGpt } from "../../../shared/testing/chat-exports.ts";
import { importFile } from "../../../shared/testing/import-file.ts";
import { type ArchiveFile, makeArchive } from "../../../shared/testing/make-archive.ts";
import { uploadFile } from "../../../shared/testing/upload-file.ts";
import { usePeople, useRole, useSystem } from "../../../shared/testing/use-system.ts";

/** Files that are made to do harm, or were damaged on their way; and who may bring what. */
const system = useSystem({ instances: 1 });
const [ada, bob] = usePeople(system, "ada@hostile-imports.test", "bob@hostile-imports.test");
const admin = useRole(system, "admin");
const chats = "/v1/apps/demo/chats";

const bring = (bytes: Buffer, more: { format?: string; dryRun?: boolean } = {}): Promise<Job> =>
  importFile(system, ada.api, { name: "export.zip", bytes, ...more });
const conversations = (...ids: string[]): ArchiveFile => ({
  name: "conversations.json",
  bytes: Buffer.from(JSON.stringify(ids.map((id) => longChatGpt(id, 2)))),
});
const ENCRYPTED = 1;
const ZEROS = Buffer.alloc(30 * 1024 * 1024);

test("an archive that was cut off, is encrypted or holds nothing known ends the import, and says why", async () => {
  const whole = makeArchive([conversations("z1")]);
  const damaged = Buffer.from(whole).fill(0x55, 60, 200);
  const cases: [Buffer, RegExp][] = [
    [whole.subarray(0, -30), /damaged/],
    [makeArchive([{ ...conversations("z2"), flags: ENCRYPTED }]), /encrypted/],
    [makeArchive([{ name: "cat.png", bytes: Buffer.from("x") }]), /Nothing in the archive/],
    [Buffer.from("PK"), /damaged/],
    [Buffer.from("\u0000\u0001\u0002"), /no export that is known/],
    [Buffer.from("a,b\n1,2\n"), /no export that is known/],
    [Buffer.from(`text\nok\n"${"x".repeat(3_000_000)}`), /longer than 1 MiB/],
  ];
  for (const [bytes, why] of cases) {
    const { state, error } = await bring(bytes);
    expect([state, error?.code, why.test(error?.message ?? "")]).toEqual(["failed", "conflict", true]);
  }
  const { state, result } = await bring(damaged);
  expect([state, result]).toMatchObject(["completed", { messages: 0, skipped: 1 }]);
});

test(
  "of an archive with bombs, links and paths that lead elsewhere the rest is brought",
  { timeout: 60_000 },
  async () => {
    const link = 0xa000 << 16;
    const job = await bring(
      makeArchive([
        { name: "../../etc/conversations.json", bytes: Buffer.from("[]") },
        { name: "conversations-001.json", bytes: ZEROS },
        { ...conversations("link"), name: "conversations-002.json", attributes: link >>> 0 },
        { ...conversations("good"), name: "conversations-003.json" },
      ]),
    );
    expect(job).toMatchObject({ state: "completed", result: { chats: 1, messages: 3 } });
  },
);

test("a dry run counts and brings nothing; a wrong format is refused", async () => {
  const before = (await ada.api.get(chats)).body.data.length;
  const file = conversations("dry");
  expect(await bring(file.bytes, { dryRun: true })).toMatchObject({ result: { chats: 1, messages: 3 } });
  const metadata = { attachments: [{ id: "file-1", name: "plan.pdf" }] };
  const mapping = chatGptTree(chatGptNode("f", null, "user", "See this", 1, { metadata }));
  const withFile = Buffer.from(JSON.stringify([{ title: "Files", conversation_id: "dry-2", mapping }]));
  expect(await bring(withFile, { dryRun: true })).toMatchObject({ result: { messages: 1, skipped: 1 } });
  expect((await bring(file.bytes, { format: "claude" })).error?.message).toContain("chatgpt");
  expect((await ada.api.get(chats)).body.data).toHaveLength(before);
});

test("texts that no message may have are cleaned, and longer ones become several", async () => {
  const long = `${"word ".repeat(10_000)}end`;
  const mapping = chatGptTree(
    chatGptNode("a", null, "user", "a\u0000b\ud800c", 1),
    chatGptNode("b", "a", "assistant", long, 2),
    chatGptNode("c", "b", "user", "after", 4_000_000_000),
  );
  await bring(Buffer.from(JSON.stringify([{ title: "x".repeat(500), conversation_id: "clean", mapping }])));
  const { body } = await ada.api.get(chats);
  const chat = body.data.find(({ title }: { title: string }) => title.startsWith("xxx"));
  expect(chat.title).toHaveLength(200);
  const { body: page } = await ada.api.get(`${chats}/${chat.number}/messages`);
  const texts = page.data.map(({ text }: { text: string }) => text).toReversed();
  expect([texts[0], texts.at(-1), texts.slice(1, -1).join("")]).toEqual(["ab\ufffdc", "after", long]);
  expect(page.data[0].sentAt).toBeUndefined();
});

test("only one's own file is brought, once it was checked", async () => {
  const draft = { name: "x.csv", type: "text/csv", bytes: Buffer.from("text\nhi\n") };
  const { id } = await uploadFile(bob.api, draft);
  await system.settle();
  const refused = await ada.api.post("/v1/apps/demo/imports", { file: id });
  expect([refused.status, refused.body.errors[0].path]).toEqual([400, "file"]);
  const announced = await ada.api.post("/v1/apps/demo/files", { name: "x.csv", type: "text/csv", size: 9 });
  expect((await ada.api.post("/v1/apps/demo/imports", { file: announced.body.file.id })).status).toBe(409);
  expect((await ada.api.post("/v1/apps/demo/imports", { file: id, format: "word" })).status).toBe(400);
});

const SLACK: readonly ArchiveFile[] = [
  {
    name: "users.json",
    bytes: Buffer.from(
      JSON.stringify([{ id: "U1", profile: { display_name: "Bob", email: "BOB@hostile-imports.test" } }]),
    ),
  },
  {
    name: "channels.json",
    bytes: Buffer.from(JSON.stringify([{ id: "C1", name: "general", members: ["U1"] }])),
  },
  {
    name: "general/2024-01-02.json",
    bytes: Buffer.from(JSON.stringify([{ type: "message", user: "U1", ts: "1704153600.1", text: "Two" }])),
  },
  {
    name: "general/2024-01-01.json",
    bytes: Buffer.from(JSON.stringify([{ type: "message", user: "U1", ts: "1704067200.1", text: "One" }])),
  },
];

test("nobody puts words into another's mouth but who may change people", async () => {
  const file = { name: "slack.zip", bytes: makeArchive(SLACK) };
  for (const [who, sender, members] of [
    [ada, { id: ada.id, bot: "Bob" }, [ada.id]],
    [admin, { id: bob.id }, [admin.id, bob.id]],
  ] as const) {
    expect(await importFile(system, who.api, file)).toMatchObject({ result: { chats: 1, messages: 2 } });
    const { body } = await who.api.get(`${chats}?kind=group`);
    const chat = body.data.find(({ title }: { title: string }) => title === "general");
    expect([chat.members, chat.unreadCount]).toEqual([members, 0]);
    const { body: page } = await who.api.get(`${chats}/${chat.number}/messages`);
    expect(page.data.map(({ text, sender: by }: Record<string, unknown>) => [text, by])).toEqual([
      ["Two", sender],
      ["One", sender],
    ]);
  }
});

test("what was deleted here does not come back, and a newer export brings what is new", async () => {
  const bytes = (count: number) => Buffer.from(JSON.stringify([longChatGpt("grows", count)]));
  await bring(bytes(2));
  const found = async () =>
    (await ada.api.get(chats)).body.data.find(({ title }: { title: string }) => title === "grows");
  const { number } = await found();
  await ada.api.post(`${chats}/${number}/messages`, { text: "Mine" });
  expect(await bring(bytes(4))).toMatchObject({ result: { chats: 0, messages: 2, existing: 3 } });
  expect((await found()).messagesCount).toBeGreaterThanOrEqual(6);
  await ada.api.delete(`${chats}/${number}`);
  await system.settle();
  expect(await bring(bytes(6))).toMatchObject({ result: { chats: 0, messages: 0, skipped: 1 } });
  expect(await found()).toBeUndefined();
});
