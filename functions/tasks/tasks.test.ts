import { expect, test } from "vitest";
import { answerTasks, shadowTask, summarizeTask } from "../../shared/assistant/tasks.ts";
import { forkTask } from "../../shared/chat/tasks.ts";
import { codeMailTask } from "../../shared/identity/tasks.ts";
import { jobTask } from "../../shared/jobs/tasks.ts";
import { lookAgainTask, roundTask, unreadMailTask } from "../../shared/notify/tasks.ts";
import type { Log } from "../../shared/platform/log.ts";
import { enqueue, tryEnqueue } from "../../shared/platform/task.ts";
import type { NewTask } from "../../shared/platform/task-queue.ts";
import { indexTask } from "../../shared/search/tasks.ts";
import manifest from "../manifest.json" with { type: "json" };

const tasks = [
  answerTasks.fast,
  answerTasks.slow,
  shadowTask,
  summarizeTask,
  forkTask,
  codeMailTask,
  jobTask,
  lookAgainTask,
  roundTask,
  unreadMailTask,
  indexTask,
];

test("each task goes to the queue that calls its function", () => {
  for (const { name, queue } of tasks) {
    expect([queue, manifest.queues[queue as keyof typeof manifest.queues]?.function]).toEqual([queue, name]);
  }
});

test("the parts that name a task stay as they were: a deployment must not do twice what is enqueued", () => {
  const chat = { app: "demo", chat: 7 };
  const trial = { name: "t", trial: { number: 1, percent: 5, arm: "candidate" as const } };
  expect([
    answerTasks.fast.idOf({ ...chat, answer: "a" }, "asked"),
    summarizeTask.idOf({ ...chat, branch: "main", number: 3 }, undefined),
    shadowTask.idOf({ ...chat, answer: "a", model: "m", trial }, undefined),
    forkTask.idOf(chat, undefined),
    codeMailTask.idOf({ app: "demo", challenge: "c" }, undefined),
    jobTask.idOf({ job: "j", step: 2 }, 0),
    roundTask.idOf({ ...chat, number: 3, again: false, withdrawn: false, recounts: false }, { revision: 9 }),
    roundTask.idOf({ ...chat, number: 3, again: false, withdrawn: false, recounts: false }, { lastMs: 1234 }),
    lookAgainTask.idOf({ ...chat, number: 3, again: true, withdrawn: false, recounts: false }, undefined),
    unreadMailTask.idOf({ ...chat, person: "p", number: 3, writtenMs: 1 }, undefined),
    indexTask.idOf({ ...chat, cause: "audit-1", after: 0 }, undefined),
    indexTask.idOf({ app: "demo", rebuild: "r", lane: 1, step: 2 }, undefined),
  ]).toEqual([
    ["answer", "demo", "7", "a", "asked"],
    ["summarize", "demo", "7", "main", "3"],
    ["shadow", "demo", "7", "a", "m"],
    ["fork", "demo", "7"],
    ["sign-in-code", "demo", "c"],
    ["job", "j", "2", "0"],
    ["notify", "9", "demo", "7"],
    ["notify-after", "1234", "demo", "7"],
    ["notify-again", "demo", "7", "3"],
    ["unread-mail", "demo", "7", "p", "3"],
    ["index-messages", "demo", "7", "audit-1", "0"],
    ["index-messages", "demo", "r", "1", "2"],
  ]);
});

const clock = { now: () => 1_000 };
const queueTo = (enqueued: NewTask[], failure?: Error) => ({
  enqueue: async (task: NewTask) => {
    if (failure !== undefined) throw failure;
    enqueued.push(task);
  },
  check: async () => undefined,
  close: async () => undefined,
});

test("a task is done after its own delay, or when its caller says", async () => {
  const enqueued: NewTask[] = [];
  const deps = { clock, tasks: queueTo(enqueued) };
  await enqueue(deps, forkTask, { app: "demo", chat: 7 });
  await enqueue(deps, jobTask, { job: "j", step: 0 }, { occasion: 0 });
  await enqueue(deps, jobTask, { job: "j", step: 0 }, { occasion: 0, notBefore: 5_000 });
  expect(enqueued.map(({ notBefore }) => notBefore)).toEqual([61_000, undefined, 5_000]);
});

test("a recovered task that is lost is told of in the log and throws nothing; another throws", async () => {
  const failure = new Error("Cloud Tasks does not answer.");
  const lines: unknown[][] = [];
  const log: Log = {
    write: () => undefined,
    info: () => undefined,
    warn: () => undefined,
    error: (...line) => void lines.push(line),
    with: () => log,
  };
  const deps = { clock, log, tasks: queueTo([], failure) };
  await tryEnqueue(deps, jobTask, { job: "j", step: 0 }, { occasion: 0 });
  expect(lines).toEqual([[jobTask.lost.message, failure, { job: "j" }]]);
  await expect(enqueue(deps, forkTask, { app: "demo", chat: 7 })).rejects.toBe(failure);
});
