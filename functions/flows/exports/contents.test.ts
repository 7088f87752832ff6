import sharp from "sharp";
import { afterEach, expect, test } from "vitest";
import {
  ExportedChat,
  ExportedFile,
  ExportedMessages,
  ExportManifest,
  ExportedPeople,
} from "../../../shared/export/contract.ts";
import { PAGE_MESSAGES } from "../../../shared/export/content/read-page.ts";
import { exportArchive } from "../../../shared/testing/export-archive.ts";
import { jsonIn } from "../../../shared/testing/read-archive.ts";
import { uploadFile } from "../../../shared/testing/upload-file.ts";
import { startChat, usePeople, useRole, useSystem } from "../../../shared/testing/use-system.ts";
import { writeHistory } from "../../../shared/testing/write-history.ts";

/** What an export holds, and for whom. */
const system = useSystem();
const [ada, bob, carol] = usePeople(system, "ada@contents.test", "bob@contents.test", "carol@contents.test");
const owner = useRole(system, "owner", "owner@contents.test");
afterEach(() => system.clearFaults());

/** A few more messages than a page has. */
const LONG = PAGE_MESSAGES + 20;
/** To write them, on whatever machine. */
const LONG_MS_MAX = 120_000;

const textsOf = (archive: ReadonlyMap<string, Buffer>, chat: number, part = 1): string[] =>
  jsonIn(archive, `chats/${chat}/messages-${part}.json`).messages.map(({ text }: { text: string }) => text);

test("a chat is there whole: settings, messages, edits, reactions, quotes, files, and nothing of others", async () => {
  const chat = await startChat(ada.api, { members: [bob], title: "Plans", texts: ["One", "Two", "Three"] });
  const theirs = await startChat(bob.api, { members: [carol], title: "Secret", texts: ["Not for Ada"] });
  const messages = `${chat.path}/messages`;
  await ada.api.patch(`${messages}/1`, { text: "One, edited" });
  await bob.api.put(`${messages}/1/reactions/👍`);
  await ada.api.delete(`${messages}/2`);
  await bob.api.post(messages, { text: "To that", replyTo: 1 });
  const bytes = await sharp({ create: { width: 20, height: 10, channels: 3, background: "teal" } })
    .png()
    .toBuffer();
  const { id } = await uploadFile(bob.api, { name: "teal.png", type: "image/png", bytes });
  await system.settle();
  await bob.api.post(messages, { text: "See", files: [id] });
  await ada.api.put(`${chat.path}/draft`, { text: "About to say" });
  await ada.api.patch(chat.path, { pinned: true, tags: ["travel"] });
  const { archive } = await exportArchive(system, ada.api);

  const about = ExportedChat.parse(jsonIn(archive, `chats/${chat.number}/chat.json`));
  expect(about).toMatchObject({
    title: "Plans",
    tags: ["travel"],
    pinned: true,
    draft: { text: "About to say" },
    people: [
      { id: ada.id, name: "ada" },
      { id: bob.id, name: "bob" },
    ],
  });
  const page = ExportedMessages.parse(jsonIn(archive, `chats/${chat.number}/messages-1.json`));
  expect(page.messages.map(({ number, text, status }) => [number, text, status])).toEqual([
    [1, "One, edited", "complete"],
    [2, "", "deleted"],
    [3, "Three", "complete"],
    [4, "To that", "complete"],
    [5, "See", "complete"],
  ]);
  expect(page.messages[0]).toMatchObject({
    reactions: { "👍": [bob.id] },
    edits: [{ text: "One" }, { text: "One, edited" }],
  });
  expect(page.messages[3]).toMatchObject({
    replyTo: 1,
    parts: [{ type: "quote", message: 1 }, { type: "text" }],
  });
  const path = `chats/${chat.number}/files/5/1-teal.png`;
  expect(page.messages[4]).toMatchObject({ attachments: [{ file: id, path }] });
  expect((await sharp(archive.get(path)).metadata()).width).toBe(20);
  const html = String(archive.get(`chats/${chat.number}/index.html`));
  for (const said of ["One, edited", "Deleted.", "👍 bob", 'src="../../chats/', "Plans"]) {
    expect(html).toContain(said);
  }
  expect([...archive.keys()].filter((name) => name.startsWith(`chats/${theirs.number}/`))).toEqual([]);
  expect([...archive.values()].some((each) => each.includes("Not for Ada"))).toBe(false);
  const manifest = ExportManifest.parse(jsonIn(archive, "export.json"));
  expect(manifest).toMatchObject({
    scope: "person",
    app: { id: "demo" },
    person: { id: ada.id, name: "ada" },
  });
  expect(manifest.counts).toMatchObject({ chats: 1, messages: 5, files: 1, lost: 0 });
});

test(
  "a long chat is split into pages, which lead on and hold every message once",
  { timeout: LONG_MS_MAX },
  async () => {
    const chat = await startChat(ada.api, { title: "Long" });
    await writeHistory(ada.api, chat.path, LONG, (at) => `Message ${at}`);
    await system.settle();
    const { archive } = await exportArchive(system, ada.api);
    const texts = [1, 2].flatMap((part) => textsOf(archive, chat.number, part));
    expect(texts).toHaveLength(LONG);
    expect(new Set(texts).size).toBe(LONG);
    expect(archive.has(`chats/${chat.number}/messages-3.json`)).toBe(false);
    const page = (name: string) => String(archive.get(`chats/${chat.number}/${name}`));
    expect(page("index.html")).toContain(`rel="next" href="../../chats/${chat.number}/page-2.html"`);
    expect(page("page-2.html")).toContain(`rel="prev" href="../../chats/${chat.number}/index.html"`);
    expect(page("page-2.html")).not.toContain('rel="next"');
  },
);

test("whoever joined later gets no more of the past than they see", async () => {
  await system.operator.patch("/v1/apps/demo", { settings: { history: "none" } });
  const chat = await startChat(ada.api, { title: "Group", texts: ["Before", "Before too"] });
  await ada.api.put(`${chat.path}/members/${carol.id}`);
  await ada.api.post(`${chat.path}/messages`, { text: "After" });
  await system.operator.patch("/v1/apps/demo", { settings: { history: "all" } });
  const { archive } = await exportArchive(system, carol.api);
  const texts = textsOf(archive, chat.number);
  expect(texts.at(-1)).toBe("After");
  expect([...archive.values()].some((each) => each.includes("Before"))).toBe(false);
});

test("branches, answers and what one thinks of them are there", async () => {
  const chat = await startChat(carol.api, { kind: "assistant", title: "Ask" });
  await carol.api.post(`${chat.path}/messages`, { text: "A question" });
  await system.settle();
  await carol.api.put(`${chat.path}/messages/2/feedback`, { value: "down", comment: "Too long" });
  await carol.api.post(`${chat.path}/messages`, { text: "Otherwise", after: 0 });
  await system.settle();
  const { archive } = await exportArchive(system, carol.api);
  const { messages } = ExportedMessages.parse(jsonIn(archive, `chats/${chat.number}/messages-1.json`));
  expect(messages.map(({ number, branch, parent, role }) => [number, branch, parent, role])).toEqual([
    [1, "main", null, "user"],
    [2, "main", 1, "assistant"],
    [3, "b3", null, "user"],
    [4, "b3", 3, "assistant"],
  ]);
  expect(messages[1]).toMatchObject({ status: "complete", feedback: { value: "down", comment: "Too long" } });
});

test("what a person has besides chats is there, and no secret of theirs", async () => {
  const dora = await system.signIn("dora@contents.test");
  const chat = await startChat(dora.api, { members: [bob], title: "Later" });
  await dora.api.patch("/v1/apps/demo/me", {
    timeZone: "Asia/Tokyo",
    quietHours: { from: "22:00", to: "07:00" },
  });
  await dora.api.put("/v1/apps/demo/devices/phone", { pushToken: "dora:token", platform: "ios" });
  await dora.api.put(`/v1/apps/demo/me/blocks/${carol.id}`);
  await dora.api.post("/v1/apps/demo/reports", { user: bob.id, reason: "Sells things" });
  const sendAt = new Date(system.suite.kernel.clock.now() + 3600_000).toISOString();
  await dora.api.post(`${chat.path}/messages`, { text: "In an hour", sendAt });
  await bob.api.post(`${chat.path}/messages`, { text: "While you were away" });
  const { id } = await uploadFile(dora.api, {
    name: "draft.txt",
    type: "text/plain",
    bytes: Buffer.from("unsent"),
  });
  await system.settle();
  const { archive } = await exportArchive(system, dora.api);
  const list = (name: string) => jsonIn(archive, `account/${name}.json`).data;
  expect(list("profile")).toMatchObject({
    id: dora.id,
    email: dora.email,
    timeZone: "Asia/Tokyo",
    quietHours: { from: "22:00", to: "07:00" },
    secondFactor: false,
  });
  expect(list("sessions-1")).toHaveLength(1);
  expect(list("devices")).toMatchObject([{ id: "phone", platform: "ios" }]);
  expect(list("blocks")).toMatchObject([{ user: carol.id }]);
  expect(list("reports-1")).toMatchObject([{ user: bob.id, reason: "Sells things" }]);
  expect(list("scheduled")).toMatchObject([{ chat: chat.number, text: "In an hour" }]);
  expect(list("notifications-1")).toBeInstanceOf(Array);
  expect(list("usage")).toEqual([]);
  const file = ExportedFile.parse(jsonIn(archive, `files/${id}/file.json`));
  expect(file).toMatchObject({ file: { name: "draft.txt" }, path: `files/${id}/1-draft.txt` });
  expect(String(archive.get(file.path ?? ""))).toBe("unsent");
  expect(String(archive.get("account/profile.html"))).toContain(dora.email);
  const everything = Buffer.concat([...archive.values()]);
  for (const secret of ["dora:token", dora.session.refreshToken])
    expect(everything.includes(secret)).toBe(false);
});

test("an owner gets all of the app, and nobody else does", async () => {
  const chat = await startChat(bob.api, { members: [carol], title: "Among others", texts: ["Between us"] });
  const gone = await startChat(bob.api, { title: "Gone", texts: ["Nothing"] });
  await bob.api.delete(gone.path);
  await system.settle();
  expect((await ada.api.post("/v1/apps/demo/exports", { scope: "app" })).status).toBe(403);
  const { archive } = await exportArchive(system, owner.api, { scope: "app" });
  expect(textsOf(archive, chat.number)).toEqual(["Between us"]);
  expect(archive.has(`chats/${gone.number}/chat.json`)).toBe(false);
  const people = ExportedPeople.parse(jsonIn(archive, "people/people-1.json")).data;
  expect(people.find(({ id }) => id === bob.id)).toMatchObject({ email: bob.email });
  expect(jsonIn(archive, "app/app.json")).toMatchObject({ id: "demo", settings: { history: "all" } });
  const { body: app } = await system.operator.get("/v1/apps/demo");
  expect(String(archive.get("index.html"))).toContain(app.name);
  const { body: log } = await owner.api.get("/v1/apps/demo/security-events?kind=export-begun");
  expect(log.data[0]).toMatchObject({ actor: owner.id, details: { scope: "app" } });
});

test("the operator gets it too", async () => {
  const { archive } = await exportArchive(system, system.operator, { scope: "app" });
  expect(jsonIn(archive, "export.json")).toMatchObject({ scope: "app", person: { id: "operator" } });
});

test("nobody else loads an export, and after a week nobody does", async () => {
  const { result } = await exportArchive(system, bob.api);
  const path = `/v1/apps/demo/files/${result.file}`;
  // Nor is it in the next one.
  const next = await exportArchive(system, bob.api);
  expect(next.archive.has(`files/${result.file}/file.json`)).toBe(false);
  expect((await carol.api.get(`${path}/content`)).status).toBe(404);
  expect((await owner.api.get(`${path}/content`)).status).toBe(404);
  const { clock } = system.suite.kernel;
  const dayMs = 24 * 3600 * 1000;
  clock.advance(6 * dayMs);
  await system.runSchedule("tend-files");
  const again = await system.signIn(bob.email);
  expect((await again.api.get(path)).body).toMatchObject({
    status: "ready",
    name: expect.stringContaining(".zip"),
  });
  clock.advance(dayMs + 1_000);
  await system.runSchedule("tend-files");
  const later = await system.signIn(bob.email);
  expect((await later.api.get(path)).status).toBe(404);
  expect(await system.deps.bucket.list(`files/demo/${result.file}/`, { limit: 10 })).toEqual([]);
  clock.advance(-7 * dayMs - 1_000);
});
