import { afterEach, beforeEach, expect, test } from "vitest";
import { createKernel, type Kernel } from "../kernel/kernel.ts";
import { type HttpTarget, startHttpTarget } from "../kernel/testing/http-target.ts";
import { type Job, openScheduler, type Scheduler } from "./server.ts";

let kernel: Kernel;
let target: HttpTarget;
let scheduler: Scheduler;

beforeEach(async () => {
  kernel = createKernel();
  target = await startHttpTarget();
  scheduler = openScheduler(kernel, { mintIdToken: async (claims) => JSON.stringify(claims) });
});
afterEach(async () => {
  scheduler.close();
  kernel.clock.stop();
  await target[Symbol.asyncDispose]();
});

const job = (changes: Partial<Job> = {}): Job => ({
  project: "demo",
  name: "reconcile",
  cron: "*/5 * * * *",
  timeZone: "Etc/UTC",
  url: `${target.url}/reconcile`,
  audience: "the-function",
  email: "scheduler@demo.iam.gserviceaccount.com",
  deadlineMs: 60_000,
  ...changes,
});
const fiveMinutes = 5 * 60_000;

test("a job runs when its time comes, with the service's headers and identity", async () => {
  scheduler.addJob(job());
  expect(target.received).toEqual([]);
  kernel.clock.advance(fiveMinutes);
  const [request] = await target.arrived(1);
  expect(request).toMatchObject({ method: "POST", path: "/reconcile", body: Buffer.from("{}") });
  expect(request?.headers).toMatchObject({
    "content-type": "application/json",
    "x-cloudscheduler": "true",
    "x-cloudscheduler-jobname": "reconcile",
    "x-cloudscheduler-scheduletime": expect.stringMatching(/T\d\d:\d[05]:00.000Z$/),
  });
  const token = request?.headers.authorization?.replace("Bearer ", "") ?? "";
  expect(JSON.parse(token)).toEqual({ audience: "the-function", email: job().email });
  expect(kernel.meter.read({ project: "demo" }).rpcs).toEqual({ "scheduler.Run": 1 });
  const [{ nextMs = 0 } = {}] = scheduler.snapshot("demo");
  expect(nextMs - kernel.clock.now()).toBeGreaterThan(0);
  expect(nextMs % fiveMinutes).toBe(0);
});

test("a run on demand waits for the answer and tells its status", async () => {
  scheduler.addJob(job());
  target.answer(503);
  expect(await scheduler.run("demo", "reconcile")).toEqual({ status: 503 });
  expect(scheduler.snapshot("demo")).toMatchObject([
    { name: "reconcile", running: false, lastRun: { status: 503 } },
  ]);
  expect(scheduler.snapshot("other")).toEqual([]);
  await expect(scheduler.run("other", "reconcile")).rejects.toThrow(RangeError);
});

test("a job never runs twice at once", async () => {
  scheduler.addJob(job());
  const answers: (() => void)[] = [];
  target.answer((_, response) => answers.push(() => response.end()));
  const first = scheduler.run("demo", "reconcile");
  await target.arrived(1);
  const second = scheduler.run("demo", "reconcile");
  // The time comes, and the deadline of the run does not.
  scheduler.addJob(job({ cron: "* * * * *" }));
  kernel.clock.advance(59_000);
  answers[0]?.();
  expect(await Promise.all([first, second])).toEqual([{ status: 200 }, { status: 200 }]);
  expect(target.received).toHaveLength(1);
});

test("a failed run is retried as often and as late as its job says", async () => {
  scheduler.addJob(job({ cron: "0 0 1 1 *", retry: { retriesMax: 2, minBackoffMs: 3_600_000 } }));
  target.answer(500);
  const run = scheduler.run("demo", "reconcile");
  await target.arrived(1);
  for (const [arrived, waitMs] of [
    [2, 3_600_000],
    [3, 7_200_000],
  ] as const) {
    await retryWaits();
    kernel.clock.advance(waitMs);
    await target.arrived(arrived);
  }
  expect(await run).toEqual({ status: 500 });
  expect(target.received).toHaveLength(3);
});

/** Resolves once the next wait before a retry has begun. */
function retryWaits(): Promise<void> {
  const { at } = kernel.clock;
  return new Promise((resolve) => {
    kernel.clock.at = (atMs, wake) => {
      if (atMs > kernel.clock.now() + 3_000_000) {
        kernel.clock.at = at;
        resolve();
      }
      return at(atMs, wake);
    };
  });
}

test("a run that fails before it is sent, or never answers, has no status", async () => {
  scheduler.addJob(job());
  kernel.faults.add({ service: "scheduler", method: "Run", match: "reconcile", kind: "before" });
  expect(await scheduler.run("demo", "reconcile")).toEqual({ status: 0 });
  kernel.faults.add({ service: "scheduler", method: "Run", kind: "twice" });
  expect(await scheduler.run("demo", "reconcile")).toEqual({ status: 200 });
  expect(target.received).toHaveLength(2);
});

test("what is no schedule is refused", () => {
  expect(() => scheduler.addJob(job({ cron: "often" }))).toThrow(RangeError);
  expect(() => scheduler.addJob(job({ deadlineMs: 1000 }))).toThrow(RangeError);
  expect(() => scheduler.addJob(job({ retry: { retriesMax: 6 } }))).toThrow(RangeError);
});
