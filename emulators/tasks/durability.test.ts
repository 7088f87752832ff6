import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startTasks } from "./testing.ts";

test("tasks acknowledged before kill -9 are all dispatched by the next process, taken names stay taken", async () => {
  const folder = mkdtempSync(join(tmpdir(), "tasks-"));
  const path = join(folder, "tasks.db");
  const child = fork(join(import.meta.dirname, "durability.child.ts"), [path], { stdio: "inherit" });
  const [acknowledged] = (await once(child, "message")) as [string[]];
  child.kill("SIGKILL");
  await once(child, "exit");
  expect(acknowledged.length).toBeGreaterThan(50);

  const suite = await startTasks(path);
  const queue = "projects/crash/locations/here/queues/mail";
  const [tasks] = await suite.client.listTasks({ parent: queue });
  const kept = new Set(tasks.map(({ name }) => name));
  expect(acknowledged.filter((name) => !kept.has(name))).toEqual([]);
  await expect(
    suite.client.createTask({
      parent: queue,
      task: { name: acknowledged[0] as string, httpRequest: { url: suite.target.url } },
    }),
  ).rejects.toMatchObject({ code: 6 });
  // The tasks name a port where nothing listens, and the queue grants one attempt: each ends with it.
  await suite.client.resumeQueue({ name: queue });
  await suite.tasks.idle("crash");
  const [left] = await suite.client.listTasks({ parent: queue });
  expect(left).toEqual([]);
  await suite[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});
