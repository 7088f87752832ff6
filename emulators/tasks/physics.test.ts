import { afterAll, beforeAll, expect, test } from "vitest";
import { projectOf } from "../kernel/rpc.ts";
import { adjustShare, newLane, nextTokenMs, refill, roomIn } from "./lane.ts";
import { SHARE_MIN } from "./physics.ts";
import type { QueueSettings } from "./queue.ts";
import { startTasks, type TasksUnderTest } from "./testing.ts";

const settings = { dispatchesPerSecond: 100, concurrentMax: 100 } as QueueSettings;

test.each([429, 503])("each %i halves a queue's rate and burst, and each success doubles them", (status) => {
  const lane = newLane(settings, 0);
  const burst = roomIn(lane, settings);
  adjustShare(lane, status);
  adjustShare(lane, status);
  refill(lane, settings, 0);
  expect(roomIn(lane, settings)).toBe(burst / 4);
  lane.tokens = 0;
  expect(nextTokenMs(lane, settings)).toBe(40);
  adjustShare(lane, 200);
  expect(nextTokenMs(lane, settings)).toBe(20);
  adjustShare(lane, 204);
  adjustShare(lane, 204);
  expect(lane.share).toBe(1);
});

test("other answers leave a queue's rate alone", () => {
  const lane = newLane(settings, 0);
  for (const status of [400, 404, 500, undefined]) adjustShare(lane, status);
  expect(lane.share).toBe(1);
});

test("a queue goes on, however slow it has become", () => {
  const lane = newLane(settings, 0);
  for (let times = 0; times < 100; times += 1) adjustShare(lane, 503);
  expect(lane.share).toBe(SHARE_MIN);
  lane.tokens = 0;
  const atMs = nextTokenMs(lane, settings);
  refill(lane, settings, atMs);
  expect(roomIn(lane, settings)).toBe(1);
});

let suite: TasksUnderTest;
beforeAll(async () => {
  suite = await startTasks();
});
afterAll(() => suite[Symbol.asyncDispose]());

const create = (queue: string) =>
  suite.client.createTask({ parent: queue, task: { httpRequest: { url: `${suite.target.url}/work` } } });

test.each([
  ["with physics, and its other tasks wait", true],
  ["without physics nothing else waits", false],
] as const)("a target that is overloaded is called less often: %s", async (_, withPhysics) => {
  const queue = await suite.queue({
    rateLimits: { maxDispatchesPerSecond: 0.1 },
    retryConfig: { minBackoff: { seconds: 1_000 }, maxBackoff: { seconds: 1_000 } },
  });
  if (withPhysics) suite.kernel.physics.turnOn(projectOf(queue));
  suite.target.received.length = 0;
  suite.target.answer(503);
  await Promise.all(Array.from({ length: 4 }, () => create(queue)));
  await suite.target.arrived(4);
  await suite.tasks.idle(projectOf(queue));
  suite.target.answer(200);
  // The burst that is left would take ten at once; with a sixteenth of it none can go out.
  await Promise.all(Array.from({ length: 3 }, () => create(queue)));
  if (!withPhysics) await suite.target.arrived(7);
  expect(suite.target.received).toHaveLength(withPhysics ? 5 : 7);
});
