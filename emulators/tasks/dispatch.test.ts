import { status } from "@grpc/grpc-js";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { projectOf } from "../kernel/rpc.ts";
import { startTasks, type TasksUnderTest } from "./testing.ts";

let suite: TasksUnderTest;
beforeAll(async () => {
  suite = await startTasks();
});
beforeEach(() => {
  suite.target.answer(200);
  suite.target.received.length = 0;
});
afterAll(() => suite[Symbol.asyncDispose]());

const create = async (queue: string, task: object = {}): Promise<string> => {
  const httpRequest = { url: `${suite.target.url}/work`, body: Buffer.from("{}") };
  const [created] = await suite.client.createTask({ parent: queue, task: { httpRequest, ...task } });
  return created.name as string;
};
const secondsAhead = (seconds: number) => ({ seconds: Math.ceil(suite.kernel.clock.now() / 1000) + seconds });
const idle = (queue: string) => suite.tasks.idle(projectOf(queue));

test("a task arrives as the request it describes, with the service's headers and identity", async () => {
  const queue = await suite.queue();
  await create(queue, {
    name: `${queue}/tasks/first`,
    httpRequest: {
      url: `${suite.target.url}/work?a=1`,
      httpMethod: "PUT",
      headers: { "Content-Type": "application/json", "X-Request-Id": "r1" },
      body: Buffer.from('{"a":1}'),
      oidcToken: { serviceAccountEmail: "tasks@demo.iam.gserviceaccount.com" },
    },
  });
  await idle(queue);
  expect(suite.target.received).toHaveLength(1);
  const [request] = suite.target.received;
  expect(request).toMatchObject({ method: "PUT", path: "/work?a=1", body: Buffer.from('{"a":1}') });
  expect(request?.headers).toMatchObject({
    "content-type": "application/json",
    "content-length": "7",
    "user-agent": "Google-Cloud-Tasks",
    "x-cloudtasks-queuename": "mail",
    "x-cloudtasks-taskname": "first",
    "x-cloudtasks-taskretrycount": "0",
    "x-cloudtasks-taskexecutioncount": "0",
    "x-cloudtasks-tasketa": expect.stringMatching(/^\d{10}\.\d{6}$/),
  });
  const token = request?.headers.authorization?.replace("Bearer ", "") ?? "";
  const audience = `${suite.target.url}/work?a=1`;
  expect(JSON.parse(token)).toEqual({ email: "tasks@demo.iam.gserviceaccount.com", audience });
  expect(suite.kernel.meter.read({ project: projectOf(queue) }).tasks).toBe(1);
  expect(suite.kernel.meter.read({ requestId: "r1" }).rpcs).toEqual({ "tasks.Dispatch": 1 });
});

test.each(["PATCH", "PUT", "POST"] as const)(
  "a %s can have a body, and an access token",
  async (httpMethod) => {
    const queue = await suite.queue();
    const oauthToken = { serviceAccountEmail: "tasks@demo.iam.gserviceaccount.com" };
    const httpRequest = {
      url: `${suite.target.url}/work`,
      httpMethod,
      body: Buffer.from("patch"),
      oauthToken,
    };
    await create(queue, { httpRequest });
    await idle(queue);
    const [request] = suite.target.received;
    expect(request).toMatchObject({ method: httpMethod, body: Buffer.from("patch") });
    expect(request?.headers.authorization).toMatch(/^Bearer ya29\.[\w-]{64}$/);
  },
);

test("a failed task is tried again after each wait, and tells why", async () => {
  const queue = await suite.queue({ retryConfig: { minBackoff: { seconds: 10 }, maxAttempts: 3 } });
  suite.target.answer(503);
  const name = await create(queue);
  await idle(queue);
  const [failed] = await suite.client.getTask({ name });
  expect(failed).toMatchObject({ dispatchCount: 1, responseCount: 1 });
  expect(failed.lastAttempt?.responseStatus).toMatchObject({ code: status.UNAVAILABLE });

  suite.kernel.clock.advance(9_000);
  await idle(queue);
  expect(suite.target.received).toHaveLength(1);
  suite.kernel.clock.advance(1_500);
  await idle(queue);
  expect(suite.target.received[1]?.headers).toMatchObject({
    "x-cloudtasks-taskretrycount": "1",
    "x-cloudtasks-taskexecutioncount": "1",
    "x-cloudtasks-taskpreviousresponse": "503",
    "x-cloudtasks-taskretryreason": "HTTP status code 503",
  });

  suite.target.answer(200);
  suite.kernel.clock.advance(20_000);
  await idle(queue);
  expect(suite.target.received).toHaveLength(3);
  await expect(suite.client.getTask({ name })).rejects.toMatchObject({ code: status.NOT_FOUND });
});

test("a task whose attempts are used up is deleted and shown as exhausted", async () => {
  const queue = await suite.queue({ retryConfig: { maxAttempts: 2, minBackoff: { seconds: 1 } } });
  suite.target.answer(500);
  const name = await create(queue);
  await idle(queue);
  suite.kernel.clock.advance(1_000);
  await idle(queue);
  expect(suite.target.received).toHaveLength(2);
  await expect(suite.client.getTask({ name })).rejects.toMatchObject({ code: status.NOT_FOUND });
  expect(suite.tasks.snapshot(projectOf(queue)).exhausted).toMatchObject([{ name, attempts: 2 }]);
});

test("a task scheduled for later arrives then and not before", async () => {
  const queue = await suite.queue();
  await create(queue, { scheduleTime: secondsAhead(3600) });
  await idle(queue);
  suite.kernel.clock.advance(3_590_000);
  await idle(queue);
  expect(suite.target.received).toHaveLength(0);
  suite.kernel.clock.advance(12_000);
  await idle(queue);
  expect(suite.target.received).toHaveLength(1);
});

test("no more tasks run at once than the queue allows", async () => {
  const queue = await suite.queue({ rateLimits: { maxConcurrentDispatches: 2 } });
  const answers: (() => void)[] = [];
  suite.target.answer((_, response) => answers.push(() => response.end()));
  await Promise.all([1, 2, 3, 4, 5].map(() => create(queue)));
  await suite.target.arrived(2);
  for (let arrived = 3; arrived <= 5; arrived += 1) {
    expect(suite.tasks.snapshot(projectOf(queue)).queues[0]).toMatchObject({ running: 2 });
    answers.shift()?.();
    await suite.target.arrived(arrived);
  }
  for (const answer of answers) answer();
  await idle(queue);
  expect(suite.target.received).toHaveLength(5);
});

test("a queue gives out its burst at once, then as many a second as its rate", async () => {
  const queue = await suite.queue({ rateLimits: { maxDispatchesPerSecond: 0.01 } });
  await Promise.all(Array.from({ length: 12 }, () => create(queue)));
  await suite.target.arrived(10);
  expect(suite.tasks.snapshot(projectOf(queue)).queues[0]).toMatchObject({ due: 2 });
  suite.kernel.clock.advance(100_000);
  await suite.target.arrived(11);
  expect(suite.target.received).toHaveLength(11);
  suite.kernel.clock.advance(100_000);
  await idle(queue);
  expect(suite.target.received).toHaveLength(12);
});

test("an attempt that outlasts its deadline fails and is made again", async () => {
  const queue = await suite.queue({ retryConfig: { minBackoff: { seconds: 1 } } });
  const aborted = new Promise((resolve) => {
    suite.target.answer((_, response) => response.on("close", resolve));
  });
  const name = await create(queue, { dispatchDeadline: { seconds: 15 } });
  await suite.target.arrived(1);
  suite.kernel.clock.advance(15_000);
  await aborted;
  await idle(queue);
  const [task] = await suite.client.getTask({ name });
  expect(task).toMatchObject({ dispatchCount: 1, responseCount: 0 });
  expect(task.lastAttempt?.responseStatus).toMatchObject({ code: status.DEADLINE_EXCEEDED });
  suite.target.answer(200);
  suite.kernel.clock.advance(1_000);
  await idle(queue);
  expect(suite.target.received).toHaveLength(2);
});

test("a paused queue keeps its tasks until it is resumed, and runs one on demand", async () => {
  const queue = await suite.queue();
  await suite.client.pauseQueue({ name: queue });
  const name = await create(queue);
  await create(queue);
  await idle(queue);
  expect(suite.target.received).toHaveLength(0);
  const [running] = await suite.client.runTask({ name });
  expect(running).toMatchObject({ name, dispatchCount: 1 });
  await idle(queue);
  expect(suite.target.received).toHaveLength(1);
  await suite.client.resumeQueue({ name: queue });
  await idle(queue);
  expect(suite.target.received).toHaveLength(2);
});

test.each([
  { kind: "before", arrivals: 1, retries: 1 },
  { kind: "drop", arrivals: 1, retries: 1 },
  { kind: "after", arrivals: 2, retries: 1 },
  { kind: "twice", arrivals: 2, retries: 0 },
  { kind: "hang", arrivals: 1, retries: 1 },
  { kind: "slow", ms: 60_000, arrivals: 1, retries: 0 },
] as const)("a dispatch under '$kind' arrives in the end", async ({ kind, arrivals, retries, ...plan }) => {
  const queue = await suite.queue({ retryConfig: { minBackoff: { seconds: 1 } } });
  suite.kernel.faults.add({ service: "tasks", method: "Dispatch", match: queue, kind, ...plan });
  await create(queue, { dispatchDeadline: { seconds: 30 } });
  if (kind === "hang") suite.kernel.clock.advance(30_000);
  if (kind === "slow") suite.kernel.clock.advance(60_000);
  await idle(queue);
  suite.kernel.clock.advance(1_000);
  await idle(queue);
  expect(suite.target.received).toHaveLength(arrivals);
  expect(suite.target.received.at(-1)?.headers["x-cloudtasks-taskretrycount"]).toBe(String(retries));
});

test("a target that isn't there counts as a failed attempt", async () => {
  const queue = await suite.queue({ retryConfig: { maxAttempts: 1 } });
  const name = await create(queue, { httpRequest: { url: "http://127.0.0.1:1/" } });
  await idle(queue);
  expect(suite.tasks.snapshot(projectOf(queue)).exhausted).toMatchObject([{ name, reason: "No answer" }]);
});
