import { deliverTo, peakMebibytes } from "../../../shared/testing/deliver-to.ts";
import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import manifest from "../../manifest.json" with { type: "json" };
import { loadExport } from "../../../shared/testing/export-archive.ts";
import { importFile } from "../../../shared/testing/import-file.ts";
import { startProcess } from "../../../shared/testing/start-process.ts";
import { jsonIn } from "../../../shared/testing/read-archive.ts";
import { uploadFile } from "../../../shared/testing/upload-file.ts";
import { startChat, usePeople, useSystem } from "../../../shared/testing/use-system.ts";

/** A large export takes no more memory than a part of it. */
const system = useSystem({ instances: 1 });
const [ada] = usePeople(system, "ada@size.test");

const CHATS = 5;
const MESSAGES = 1_000;
const TEXT = "Something that somebody has said, once more and at some length. ".repeat(6);
const FILES = 2;
const FILE_BYTES = 60 * 1024 * 1024;
/** Of the process that makes it, all that Node and Google's clients take included. */
const RESIDENT_MIB_MAX = 640;
const MADE_MS_MAX = 900_000;

test("5,000 messages and 120 MiB of files", { timeout: MADE_MS_MAX }, async () => {
  await bringIn();
  const chat = await startChat(ada.api, { title: "Files" });
  for (let index = 0; index < FILES; index += 1) {
    const draft = { name: `${index}.bin`, type: "application/octet-stream", bytes: randomBytes(FILE_BYTES) };
    const { id } = await uploadFile(ada.api, draft);
    await system.settle();
    expect((await ada.api.post(`${chat.path}/messages`, { text: "Here", files: [id] })).status).toBe(201);
  }
  await system.settle();
  const host = await startProcess(system);
  const { promise: until, resolve: release } = Promise.withResolvers<void>();
  const forever = { kind: "held", until, count: Number.POSITIVE_INFINITY } as const;
  system.fault({ service: "tasks", method: "Dispatch", ...forever });
  const { body: begun } = await ada.api.post("/v1/apps/demo/exports", {});
  let job = begun;
  for (let step = 0; job.state === "pending" || job.state === "running"; step += 1) {
    const task = { app: "demo", job: job.id, step };
    expect(await deliverTo(system, host.port, "run-transfer", task)).toBe(204);
    job = (await ada.api.get(`/v1/apps/demo/jobs/${job.id}`)).body;
  }
  const residentMib = peakMebibytes(host.pid);
  system.clearFaults();
  release();
  await host.stop(0);
  expect(job).toMatchObject({ state: "completed", progress: { done: CHATS * MESSAGES + FILES } });
  expect(residentMib).toBeLessThan(RESIDENT_MIB_MAX);
  expect(residentMib).toBeLessThan(manifest.functions["run-transfer"].memoryMiB / 2);
  const { archive, result } = await loadExport(ada.api, job.id);
  expect(jsonIn(archive, "export.json").counts).toMatchObject({
    chats: CHATS + 1,
    messages: CHATS * MESSAGES + FILES,
    // What was brought in is a file of one's own too.
    files: FILES + 1,
    lost: 0,
  });
  console.info(`${residentMib} MiB resident at most, for an archive of ${result.size} bytes.`);
});

/** Chats with a past, brought in as somebody would. */
async function bringIn(): Promise<void> {
  const lines = Array.from({ length: CHATS * MESSAGES }, (_, index) =>
    JSON.stringify({
      conversation: `Chat ${Math.floor(index / MESSAGES)}`,
      id: String(index),
      text: `${index} ${TEXT}`,
      sentAt: new Date(Date.UTC(2024, 0, 1) + index * 60_000).toISOString(),
    }),
  );
  const bytes = Buffer.from(lines.join("\n"));
  const job = await importFile(system, ada.api, { name: "past.jsonl", bytes, format: "jsonl" });
  const { messages, existing } = job.result as Record<"messages" | "existing", number>;
  expect(messages + existing).toBe(CHATS * MESSAGES);
  await system.settle();
}
