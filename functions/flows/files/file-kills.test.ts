import sharp from "sharp";
import { deliverTo } from "../../../shared/testing/deliver-to.ts";
import { afterEach, expect, test } from "vitest";
import { CHECK_LEASE_MS } from "../../../shared/files/limits.ts";
import { startProcess } from "../../../shared/testing/start-process.ts";
import { sweep } from "../../../shared/testing/sweep.ts";
import { uploadFile } from "../../../shared/testing/upload-file.ts";
import { useSystem } from "../../../shared/testing/use-system.ts";

/** A check whose process is killed at any of its calls is made by another, and comes to the same. */
const system = useSystem();
afterEach(() => system.clearFaults());

/** What a check calls, in its order. */
const CALLS: readonly (readonly [service: string, method: string, skip: number])[] = [
  ["firestore", "BatchGetDocuments", 0],
  ["storage", "objects.get", 0],
  ["firestore", "BatchGetDocuments", 1],
  ["firestore", "Commit", 0],
  ["storage", "objects.get", 1],
  ["storage", "objects.get", 2],
  ["storage", "objects.insert", 0],
  ["storage", "objects.insert", 1],
  ["firestore", "BatchGetDocuments", 2],
  ["firestore", "Commit", 1],
  ["storage", "objects.delete", 0],
  ["firestore", "RunQuery", 0],
  ["firestore", "Commit", 2],
  ["pubsub", "Publish", 0],
];
const chats = "/v1/apps/demo/chats";
const BACKOFF_MS_MAX = 301_000;

test.each(sweep(CALLS, 3))("killed at its %s %s %i", { timeout: 180_000 }, async (service, method, skip) => {
  const { kernel } = system.suite;
  const { body: chat } = await system.operator.post(chats, { kind: "group" });
  await system.settle();
  const bytes = await sharp({ create: { width: 20, height: 10, channels: 3, background: "teal" } })
    .png()
    .toBuffer();
  await using host = await disposable();
  const { promise: delivered, resolve: deliver } = Promise.withResolvers<void>();
  const forever = { kind: "held", count: Number.POSITIVE_INFINITY } as const;
  system.fault({ service: "pubsub", method: "Push", until: delivered, ...forever });
  const { id } = await uploadFile(system.operator, { name: "teal.png", type: "image/png", bytes });
  const message = await system.operator.post(`${chats}/${chat.number}/messages`, { files: [id] });
  expect(message.status).toBe(201);
  // Its own call is counted, and goes no further.
  const count = (): number =>
    kernel.meter.read({ project: system.project }).rpcs[`${service}.${method}`] ?? 0;
  kernel.meter.clear(system.project);
  system.fault({ service, method, skip, kind: "hang" });
  void push(host.port, id).catch(() => undefined);
  await expect.poll(count, { timeout: 20_000, interval: 10 }).toBeGreaterThan(skip);
  process.kill(host.pid, "SIGKILL");
  await host.ended;
  system.clearFaults();
  deliver();
  await system.settle();
  for (let round = 0; round < 2; round += 1) {
    kernel.clock.advance(Math.max(BACKOFF_MS_MAX, CHECK_LEASE_MS));
    await system.settle();
    await system.runSchedule("tend-files");
    await system.settle();
  }
  const { body: page } = await system.operator.get(`${chats}/${chat.number}/messages`);
  expect(page.data[0].files).toMatchObject([{ id, status: "ready", image: { width: 20 } }]);
  const names = async (prefix: string) =>
    (await system.deps.bucket.list(prefix, { limit: 100 })).map(({ name }) => name.split("/").at(-1));
  expect(await names(`files/demo/${id}/`)).toEqual(["20.webp", "content", "model.jpg"]);
  expect(await names(`uploads/demo/${id}`)).toEqual([]);
  kernel.clock.advance(-2 * Math.max(BACKOFF_MS_MAX, CHECK_LEASE_MS));
});

async function disposable() {
  const host = await startProcess(system);
  return { ...host, [Symbol.asyncDispose]: () => host.stop(0) };
}

/** Tells one process of the upload, as the subscription would. */
async function push(port: number, id: string): Promise<void> {
  const name = `uploads/demo/${id}`;
  const objects = await system.deps.bucket.list(name, { limit: 1 });
  const data = Buffer.from(JSON.stringify({ name, generation: objects[0]?.generation })).toString("base64");
  const body = { message: { data, messageId: "1" }, subscription: "check-file" };
  await deliverTo(system, port, "check-file", body);
}
