import { expect, test } from "vitest";
import { ExportedChat, type ExportedMessage, ExportedMessages } from "../../../shared/export/contract.ts";
import { chatGptNode, chatGptTree } from "../../../shared/testing/chat-exports.ts";
import { importFile } from "../../../shared/testing/import-file.ts";
import { readArchive } from "../../../shared/testing/read-archive.ts";
import { exportJob, runExport } from "../../../shared/testing/run-export.ts";
import type { Person } from "../../../shared/testing/start-system.ts";
import { usePeople, useSystem } from "../../../shared/testing/use-system.ts";

/** What one has taken out, somebody brings in again. */
const system = useSystem({ instances: 1 });
const [ada, bob, eve, cy] = usePeople(
  system,
  "ada@trip.test",
  "bob@trip.test",
  "eve@trip.test",
  "cy@trip.test",
);
const chats = "/v1/apps/demo/chats";
/** An export's parts hold so many. */
const PART = 500;

async function archiveOf(person: Person): Promise<{ bytes: Buffer; chats: readonly { title: string }[] }> {
  const job = exportJob(system, person, {
    id: `trip-${person.id}`,
    begunMs: system.suite.kernel.clock.now(),
  });
  const { bytes } = await runExport(system, job);
  const files = await readArchive(bytes);
  const read = (name: string) => JSON.parse(files.get(name)?.toString("utf8") ?? "null");
  const numbers = [...files.keys()].flatMap((name) => /^chats\/(\d+)\/chat\.json$/.exec(name)?.[1] ?? []);
  const found = numbers.map((number) => {
    const chat = ExportedChat.parse(read(`chats/${number}/chat.json`));
    const parts = [...files.keys()]
      .filter((name) => name.startsWith(`chats/${number}/messages-`))
      .map((name) => ExportedMessages.parse(read(name)))
      .toSorted((a, b) => a.part - b.part);
    const names = new Map(parts.flatMap(({ people }) => people).map(({ id, name }) => [id, name]));
    return plain(
      chat,
      parts.flatMap(({ messages }) => messages),
      { me: person.id, names },
    );
  });
  return { bytes, chats: found.toSorted((a, b) => (a.title < b.title ? -1 : 1)) };
}

const SAME = [
  "kind",
  "tags",
  "metadata",
  "instructions",
  "temperature",
  "createdAt",
  "branchesCount",
] as const;

/** What of a chat has nothing to do with where it is. */
function plain(
  { latest, ...chat }: ExportedChat,
  messages: readonly ExportedMessage[],
  { me, names }: { readonly me: string; readonly names: ReadonlyMap<string, string> },
) {
  const byNumber = new Map(messages.map((message) => [message.number, message]));
  /** The text of what stands before, if that is there. */
  const before = (number: number | null): string | null => {
    const message = number === null ? undefined : byNumber.get(number);
    if (message === undefined) return null;
    return message.status === "deleted" ? before(message.parent) : message.text;
  };
  return {
    ...Object.fromEntries(SAME.map((name) => [name, chat[name]])),
    title: chat.title,
    latest: latest?.text,
    messages: messages
      .filter(({ status }) => status !== "deleted")
      .map(({ parent, role, text, thinking, sender, sentAt, createdAt: at }) => ({
        role,
        text,
        thinking: thinking?.text,
        at: sentAt ?? at,
        parent: before(parent),
        by:
          "model" in sender
            ? sender.model
            : ("bot" in sender && sender.bot) || (sender.id === me ? "me" : names.get(sender.id)),
      })),
  };
}

test("an export that is brought in and taken out again says the same", async () => {
  const conversation = {
    title: "Soup",
    conversation_id: "c-1",
    create_time: 1_700_000_000,
    current_node: "a2",
    mapping: chatGptTree(
      chatGptNode("u1", null, "user", "How do I make soup?", 1_700_000_000),
      chatGptNode("a1", "u1", "assistant", "Boil water.", 1_700_000_010, {
        metadata: { model_slug: "gpt-4o" },
      }),
      chatGptNode("a2", "u1", "assistant", "Chop onions.", 1_700_000_020, { metadata: { model_slug: "o3" } }),
      chatGptNode("u2", "a1", "user", "And then?", 1_700_000_030),
    ),
  };
  await importFile(system, ada.api, {
    name: "conversations.json",
    bytes: Buffer.from(JSON.stringify([conversation])),
  });
  const rows = Array.from({ length: PART + 10 }, (_, row) => `Long,Eve,"row ${row}",${1_600_000_000 + row}`);
  await importFile(system, ada.api, {
    name: "long.csv",
    bytes: Buffer.from(`chat,sender,text,time\n${rows.join("\n")}\n`),
  });
  const { body: group } = await ada.api.post(chats, {
    kind: "group",
    title: "Trip",
    members: [bob.id],
    tags: ["warm", "far"],
    metadata: { budget: "900" },
  });
  for (const [person, text] of [
    [ada, "Where to?"],
    [bob, "Crete"],
    [ada, "Wrong chat"],
    [bob, "<b>When?</b>"],
  ] as const) {
    await person.api.post(`${chats}/${group.number}/messages`, { text });
  }
  await ada.api.delete(`${chats}/${group.number}/messages/3`);
  await ada.api.post(chats, { kind: "assistant", title: "Set", instructions: "Be kind.", temperature: 0.5 });
  await system.settle();

  const first = await archiveOf(ada);
  const job = await importFile(system, eve.api, { name: "export.zip", bytes: first.bytes });
  expect(job).toMatchObject({ state: "completed", result: { chats: 3, messages: 4 + rows.length + 3 } });
  const second = await archiveOf(eve);
  // A chat in which nothing was said is not brought.
  expect(second.chats).toEqual(first.chats.filter(({ title }) => title !== "Set"));

  await importFile(system, cy.api, { name: "export.zip", format: "scrollback", bytes: second.bytes });
  const third = await archiveOf(cy);
  expect(third.chats).toEqual(second.chats);

  const again = await importFile(system, cy.api, { name: "again.zip", bytes: second.bytes });
  expect(again.result).toMatchObject({ chats: 0, messages: 0, existing: 4 + rows.length + 3 });
});

test("a file that is named an export of another product is refused", async () => {
  const { bytes } = await archiveOf(ada);
  const job = await importFile(system, eve.api, { name: "export.zip", format: "slack", bytes });
  expect(job).toMatchObject({ state: "failed", error: { message: expect.stringContaining("scrollback") } });
});
