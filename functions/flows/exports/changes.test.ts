import { randomBytes } from "node:crypto";
import { afterEach, expect, test } from "vitest";
import { EXPORTS } from "../../../shared/export/archive/object-names.ts";
import { wholeName } from "../../../shared/export/keep-archive.ts";
import { stepExport } from "../../../shared/export/step-export.ts";
import { CHUNK_BYTES } from "../../../shared/export/content/write-file.ts";
import { JOB_LEASE_MS } from "../../../shared/jobs/jobs.ts";
import { jsonIn, readArchive } from "../../../shared/testing/read-archive.ts";
import { randomId } from "../../../shared/platform/ids.ts";
import { exportDeps, exportJob, PART_BY_PART, runExport } from "../../../shared/testing/run-export.ts";
import { uploadFile } from "../../../shared/testing/upload-file.ts";
import { startChat, usePeople, useSystem } from "../../../shared/testing/use-system.ts";
import { writeHistory } from "../../../shared/testing/write-history.ts";

/** What becomes of an export while people write, come and go. */
const system = useSystem();
const [ada] = usePeople(system, "ada@changes.test");
/** What is exported is megabytes, on whatever machine. */
const EXPORT_MS_MAX = 120_000;
afterEach(() => system.clearFaults());

/** More than is written of a file at once: an export stops within it. */
const FILE_BYTES = CHUNK_BYTES + 1_000;

/** The place in a cursor. */
const placeIn = (
  cursor: string,
): { stage: string; chat?: { number: number; next: number; files?: object } } => JSON.parse(cursor).place;

/** A chat of two with a large file, of which one has no other chat. */
async function chatWithLargeFile() {
  const bob = await system.signIn(`bob-${randomId()}@changes.test`);
  const chat = await startChat(ada.api, { members: [bob], title: "Large", texts: ["Before"] });
  const bytes = randomBytes(FILE_BYTES);
  const { id } = await uploadFile(ada.api, { name: "large.bin", type: "application/octet-stream", bytes });
  await system.settle();
  const { status } = await ada.api.post(`${chat.path}/messages`, { text: "Here", files: [id] });
  expect(status).toBe(201);
  await system.settle();
  return { ...chat, id, bob };
}

/** Runs an export a part at a time; `change` comes once it is within the chat's file. */
async function changedWithinFile(
  reader: typeof ada,
  chat: number,
  change: () => Promise<unknown>,
): Promise<ReadonlyMap<string, Buffer>> {
  let isChanged = false;
  // `tend-files` leaves what is of a job under way.
  await system.deps.firestore.doc(`apps/demo/jobs/within-${chat}`).set({ state: "running" });
  const job = exportJob(system, reader, { id: `within-${chat}`, begunMs: system.suite.kernel.clock.now() });
  const { bytes } = await runExport(system, job, {
    endMs: PART_BY_PART,
    between: async (cursor) => {
      const { chat: at } = placeIn(cursor);
      if (isChanged || at?.number !== chat || at.files === undefined) return;
      isChanged = true;
      await change();
    },
  });
  expect(isChanged).toBe(true);
  return readArchive(bytes);
}

test(
  "what is written after a chat's turn came is left out, and what changes is as it was read",
  { timeout: EXPORT_MS_MAX },
  async () => {
    const { bob, ...chat } = await chatWithLargeFile();
    await writeHistory(bob.api, chat.path, 600, (at) => `Then ${at}`);
    await system.settle();
    const last = 602;
    const archive = await changedWithinFile(bob, chat.number, async () => {
      await bob.api.post(`${chat.path}/messages`, { text: "Too late" });
      await bob.api.patch(`${chat.path}/messages/550`, { text: "Said otherwise" });
      await bob.api.delete(`${chat.path}/messages/551`);
      await ada.api.patch(chat.path, { title: "Called otherwise" });
      await system.settle();
    });
    const about = jsonIn(archive, `chats/${chat.number}/chat.json`);
    expect(about).toMatchObject({ title: "Large", messagesCount: last });
    const messages = [1, 2].flatMap(
      (part) => jsonIn(archive, `chats/${chat.number}/messages-${part}.json`).messages,
    );
    expect(messages.map(({ number }) => number)).toEqual(
      Array.from({ length: last }, (_, index) => index + 1),
    );
    expect(messages[549]).toMatchObject({ text: "Said otherwise" });
    expect(messages[549].revision).toBeGreaterThan(about.revision);
    expect(messages[550]).toMatchObject({ status: "deleted", text: "" });
    expect([...archive.values()].some((each) => each.includes("Too late"))).toBe(false);
    expect(archive.get(`chats/${chat.number}/files/2/1-large.bin`)).toHaveLength(FILE_BYTES);
  },
);

test("whoever loses a chat gets no more of it", { timeout: EXPORT_MS_MAX }, async () => {
  const { bob, ...chat } = await chatWithLargeFile();
  await writeHistory(ada.api, chat.path, 520, (at) => `Not for Bob ${at}`);
  await system.settle();
  const archive = await changedWithinFile(bob, chat.number, () =>
    ada.api.delete(`${chat.path}/members/${bob.id}`),
  );
  const names = [...archive.keys()].filter((name) => name.startsWith(`chats/${chat.number}/`));
  expect(names).toContain(`chats/${chat.number}/messages-1.json`);
  expect(names).not.toContain(`chats/${chat.number}/messages-2.json`);
  expect(jsonIn(archive, `chats/${chat.number}/cut.json`)).toEqual({ chat: chat.number, after: 500 });
  expect(String(archive.get(`chats/${chat.number}/page-2.html`))).toContain("Your access to this chat ended");
  const file = archive.get(`chats/${chat.number}/files/2/1-large.bin`);
  expect(file?.length).toBeLessThan(FILE_BYTES);
});

test("a chat that is deleted meanwhile ends, and the others follow", { timeout: EXPORT_MS_MAX }, async () => {
  const { bob, ...chat } = await chatWithLargeFile();
  const next = await startChat(bob.api, { title: "Next", texts: ["Still here"] });
  const archive = await changedWithinFile(bob, chat.number, () => ada.api.delete(chat.path));
  expect(archive.has(`chats/${chat.number}/cut.json`)).toBe(true);
  expect(jsonIn(archive, `chats/${next.number}/messages-1.json`).messages).toHaveLength(1);
});

test(
  "a file that is deleted while it is written ends where it was, and is counted as lost",
  { timeout: EXPORT_MS_MAX },
  async () => {
    const { bob, ...chat } = await chatWithLargeFile();
    const archive = await changedWithinFile(bob, chat.number, async () => {
      await ada.api.delete(`/v1/apps/demo/files/${chat.id}`);
      await system.runSchedule("tend-files");
      await system.settle();
    });
    expect(jsonIn(archive, "export.json").counts.lost).toBeGreaterThan(0);
    expect(archive.get(`chats/${chat.number}/files/2/1-large.bin`)?.length).toBeLessThan(FILE_BYTES);
  },
);

test("one that is cancelled leaves nothing in the bucket, whatever its worker still writes", async () => {
  const { promise: until } = Promise.withResolvers<void>();
  system.fault({ service: "tasks", method: "CreateTask", kind: "before", until, count: 100 });
  const { body: job } = await ada.api.post("/v1/apps/demo/exports", {});
  const under = { ...exportJob(system, ada, { id: job.id, begunMs: 0 }) };
  const deps = exportDeps(system);
  const first = await stepExport(deps, under, { cursor: null, endMs: PART_BY_PART });
  const left = () => system.deps.bucket.list(`${EXPORTS}demo/${job.id}/`, { limit: 100 });
  await system.runSchedule("tend-files");
  expect(await left()).not.toEqual([]);
  await ada.api.delete(`/v1/apps/demo/jobs/${job.id}`);
  await system.runSchedule("tend-files");
  expect(await left()).toEqual([]);
  await stepExport(deps, under, { cursor: first.cursor, endMs: PART_BY_PART });
  expect(await left()).not.toEqual([]);
  await system.runSchedule("tend-files");
  expect(await left()).toEqual([]);
  expect(await system.deps.bucket.stat(wholeName(under.app, job.id))).toBeUndefined();
});

test("it ends for whoever was shut out, and for an owner who is none any more", async () => {
  const carol = await system.signIn("carol@changes.test");
  const olga = await system.signInAs("owner", "olga@changes.test");
  // Somebody has to own the app.
  await system.signInAs("owner", "otto@changes.test");
  const { promise: until } = Promise.withResolvers<void>();
  system.fault({ service: "tasks", method: "CreateTask", kind: "before", until, count: 100 });
  const { body: own } = await carol.api.post("/v1/apps/demo/exports", {});
  const { body: all } = await olga.api.post("/v1/apps/demo/exports", { scope: "app" });
  await system.operator.put(`/v1/apps/demo/users/${carol.id}/disabled`);
  await system.operator.patch(`/v1/apps/demo/users/${olga.id}`, { role: "member" });
  system.clearFaults();
  system.suite.kernel.clock.advance(2 * JOB_LEASE_MS);
  await system.runSchedule("recover-jobs");
  await system.settle();
  for (const { id } of [own, all]) {
    const stored = await system.deps.firestore.doc(`apps/demo/jobs/${id}`).get();
    expect([stored.get("state"), stored.get("error.code")]).toEqual(["failed", "conflict"]);
  }
});
