import { mkdtempSync, rmSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { status } from "@grpc/grpc-js";
import { afterEach, beforeEach, expect, test } from "vitest";
import { DISK_RETRY_MS } from "../kernel/insistent-write.ts";
import { refuseFlushes } from "../kernel/testing/refusing-file.ts";
import { startTasks, type TasksUnderTest } from "./testing.ts";

let folder: string;
let suite: TasksUnderTest;
let queue: string;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "tasks-"));
  suite = await startTasks(join(folder, "tasks.sqlite"));
  queue = await suite.queue();
});
afterEach(async () => {
  await suite[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

const HOUR_MS = 3_600_000;
const refuse = (): (() => void) => refuseFlushes(join(folder, "tasks.sqlite"), ["tasks", "takenNames"]);

function create(id: string, delayMs = 0): Promise<unknown> {
  const seconds = Math.ceil((suite.kernel.clock.now() + delayMs) / 1000);
  const httpRequest = { url: suite.target.url };
  const scheduleTime = delayMs === 0 ? null : { seconds };
  const task = { name: `${queue}/tasks/${id}`, httpRequest, scheduleTime };
  return suite.client.createTask({ parent: queue, task });
}

test("what the disk refuses is answered with UNAVAILABLE, and can be asked again", async () => {
  const accept = refuse();
  await expect(create("one")).rejects.toMatchObject({ code: status.UNAVAILABLE });
  await expect(suite.client.pauseQueue({ name: queue })).resolves.toBeDefined();
  await suite.client.resumeQueue({ name: queue });
  accept();
  await create("one");
  await suite.tasks.idle("p1");
  expect(suite.target.received).toHaveLength(1);
});

test("a task that falls due while the disk refuses is dispatched once, later", async () => {
  await create("due", HOUR_MS);
  const accept = refuse();
  suite.kernel.clock.advance(HOUR_MS + 1_000);
  // Answered after the flush with which the attempt was refused.
  await expect(create("refused")).rejects.toMatchObject({ code: status.UNAVAILABLE });
  expect(suite.target.received).toEqual([]);
  accept();
  suite.kernel.clock.advance(DISK_RETRY_MS);
  await suite.tasks.idle("p1");
  expect(suite.target.received).toHaveLength(1);
});

test("an attempt that ends while the disk refuses counts once there is space, and is not made again", async () => {
  let response: ServerResponse | undefined;
  suite.target.answer((_, given) => {
    response = given;
  });
  await create("slow");
  await suite.target.arrived(1);
  const accept = refuse();
  const answered = new Promise((resolve) => response?.once("close", resolve));
  response?.end();
  await answered;
  await expect(create("refused")).rejects.toMatchObject({ code: status.UNAVAILABLE });
  accept();
  suite.kernel.clock.advance(DISK_RETRY_MS);
  await suite.tasks.idle("p1");
  const name = `${queue}/tasks/slow`;
  await expect(suite.client.getTask({ name })).rejects.toMatchObject({ code: status.NOT_FOUND });
  expect(suite.target.received).toHaveLength(1);
});
