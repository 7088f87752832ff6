import { status } from "@grpc/grpc-js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { projectOf } from "../kernel/rpc.ts";
import { startTasks, type TasksUnderTest } from "./testing.ts";

let suite: TasksUnderTest;
beforeAll(async () => {
  suite = await startTasks();
});
afterAll(() => suite[Symbol.asyncDispose]());

test("a queue has the service's defaults where its creator is silent", async () => {
  const name = await suite.queue();
  const [queue] = await suite.client.getQueue({ name });
  expect(queue).toMatchObject({
    name,
    state: "RUNNING",
    rateLimits: { maxDispatchesPerSecond: 500, maxBurstSize: 100, maxConcurrentDispatches: 1000 },
    retryConfig: { maxAttempts: 100, maxDoublings: 16, minBackoff: { nanos: 100_000_000 } },
  });
});

test("an update changes what its mask names and nothing else", async () => {
  const name = await suite.queue({ retryConfig: { maxAttempts: 7, minBackoff: { seconds: 3 } } });
  const [queue] = await suite.client.updateQueue({
    queue: { name, retryConfig: { maxAttempts: 9 }, rateLimits: { maxDispatchesPerSecond: 5 } },
    updateMask: { paths: ["retry_config.max_attempts", "rateLimits.maxDispatchesPerSecond"] },
  });
  expect(queue.retryConfig).toMatchObject({ maxAttempts: 9, minBackoff: { seconds: "3" } });
  expect(queue.rateLimits).toMatchObject({ maxDispatchesPerSecond: 5, maxBurstSize: 10 });
});

test("updating a queue that doesn't exist creates it", async () => {
  const name = "projects/updater/locations/here/queues/fresh";
  await suite.client.updateQueue({ queue: { name } });
  const [queue] = await suite.client.getQueue({ name });
  expect(queue.state).toBe("RUNNING");
});

test("a queue exists once, and can be created anew after its deletion", async () => {
  const name = await suite.queue();
  const parent = name.slice(0, name.indexOf("/queues"));
  const again = () => suite.client.createQueue({ parent, queue: { name } });
  await expect(again()).rejects.toMatchObject({ code: status.ALREADY_EXISTS });
  await suite.client.deleteQueue({ name });
  await expect(suite.client.getQueue({ name })).rejects.toMatchObject({ code: status.NOT_FOUND });
  await again();
});

test("queues and tasks are listed page by page", async () => {
  const parent = "projects/lister/locations/here";
  const names = ["a", "b", "c"].map((id) => `${parent}/queues/${id}`);
  for (const name of names) await suite.client.createQueue({ parent, queue: { name } });
  await suite.client.createQueue({
    parent: "projects/lister/locations/there",
    queue: { name: "projects/lister/locations/there/queues/a" },
  });
  const [queues] = await suite.client.listQueues({ parent, pageSize: 2 });
  expect(queues.map(({ name }) => name)).toEqual(names);

  const queue = names[0] as string;
  await suite.client.pauseQueue({ name: queue });
  const httpRequest = { url: suite.target.url, body: Buffer.from("secret") };
  for (const id of ["1", "2", "3"]) {
    const task = { name: `${queue}/tasks/${id}`, httpRequest };
    await suite.client.createTask({ parent: queue, task });
  }
  const [basic] = await suite.client.listTasks({ parent: queue, pageSize: 2 });
  expect(basic.map(({ name }) => name)).toEqual(["1", "2", "3"].map((id) => `${queue}/tasks/${id}`));
  expect(basic[0]?.httpRequest?.body).toHaveLength(0);
  const [full] = await suite.client.listTasks({ parent: queue, responseView: "FULL" });
  expect(full[0]?.httpRequest?.body?.toString()).toBe("secret");
});

test("a purge ends all tasks, whose names stay taken", async () => {
  const queue = await suite.queue();
  await suite.client.pauseQueue({ name: queue });
  const task = { name: `${queue}/tasks/a`, httpRequest: { url: suite.target.url } };
  await suite.client.createTask({ parent: queue, task });
  const [purged] = await suite.client.purgeQueue({ name: queue });
  expect(purged.purgeTime).toBeTruthy();
  expect((await suite.client.listTasks({ parent: queue }))[0]).toEqual([]);
  await expect(suite.client.createTask({ parent: queue, task })).rejects.toMatchObject({
    code: status.ALREADY_EXISTS,
  });
});

test("a name is taken while its task exists and for a day after", async () => {
  const queue = await suite.queue();
  const task = { name: `${queue}/tasks/once`, httpRequest: { url: suite.target.url } };
  const create = () => suite.client.createTask({ parent: queue, task });
  await suite.client.pauseQueue({ name: queue });
  await create();
  await expect(create()).rejects.toMatchObject({ code: status.ALREADY_EXISTS });
  await suite.client.resumeQueue({ name: queue });
  await suite.tasks.idle(projectOf(queue));
  await expect(create()).rejects.toMatchObject({ code: status.ALREADY_EXISTS });
  suite.kernel.clock.advance(24 * 3_600_000 - 60_000);
  await expect(create()).rejects.toMatchObject({ code: status.ALREADY_EXISTS });
  suite.kernel.clock.advance(60_000);
  await create();
  await suite.client.deleteTask({ name: task.name }).catch(() => undefined);
  await expect(create()).rejects.toMatchObject({ code: status.ALREADY_EXISTS });
});

test("a task shows its body only to whoever asks for the full view", async () => {
  const parent = await suite.queue();
  await suite.client.pauseQueue({ name: parent });
  const task = { httpRequest: { url: "http://127.0.0.1:1/", body: Buffer.from("secret") } };
  const [basic] = await suite.client.createTask({ parent, task });
  const [created] = await suite.client.createTask({ parent, task, responseView: "FULL" });
  const name = basic.name ?? "";
  const [read] = await suite.client.getTask({ name });
  const [full] = await suite.client.getTask({ name, responseView: "FULL" });
  const bodies = [basic, created, read, full].map((each) => [each.view, each.httpRequest?.body?.toString()]);
  expect(bodies).toEqual([
    ["BASIC", ""],
    ["FULL", "secret"],
    ["BASIC", ""],
    ["FULL", "secret"],
  ]);
});

test("over REST queues and tasks are made, found and deleted", async () => {
  const parent = "projects/rest/locations/here";
  const call = async (verb: string, path: string, body?: object): Promise<[number, unknown]> => {
    const content = body === undefined ? {} : { body: JSON.stringify(body) };
    const answer = await fetch(`http://${suite.address}/v2/${path}`, { method: verb, ...content });
    return [answer.status, await answer.json()];
  };
  const name = `${parent}/queues/mail`;
  expect(await call("POST", `${parent}/queues`, { name })).toMatchObject([200, { name, state: "RUNNING" }]);
  expect(await call("POST", `${name}:pause`, {})).toMatchObject([200, { state: "PAUSED" }]);
  const task = { name: `${name}/tasks/first`, httpRequest: { url: "http://127.0.0.1:1/" } };
  expect(await call("POST", `${name}/tasks`, { task })).toMatchObject([200, task]);
  expect(await call("GET", `${name}/tasks`)).toMatchObject([200, { tasks: [task] }]);
  expect(await call("DELETE", task.name)).toEqual([200, {}]);
  expect((await call("GET", task.name))[0]).toBe(404);
});

const tooFar = { seconds: Math.ceil(Date.now() / 1000) + 32 * 24 * 3600 + 7200 };
const url = "http://127.0.0.1:1/";
type TaskFields = { name?: string; [field: string]: unknown };
const refusals: [string, TaskFields, "INVALID_ARGUMENT" | "UNIMPLEMENTED"][] = [
  ["a task without a request", {}, "INVALID_ARGUMENT"],
  ["a task for App Engine", { appEngineHttpRequest: { relativeUri: "/" } }, "UNIMPLEMENTED"],
  ["an access token of nobody", { httpRequest: { url, oauthToken: {} } }, "INVALID_ARGUMENT"],
  ["an ID token of nobody", { httpRequest: { url, oidcToken: {} } }, "INVALID_ARGUMENT"],
  ["a relative address", { httpRequest: { url: "/work" } }, "INVALID_ARGUMENT"],
  [
    "a body with GET",
    { httpRequest: { url, httpMethod: "GET", body: Buffer.from("x") } },
    "INVALID_ARGUMENT",
  ],
  ["a reserved header", { httpRequest: { url, headers: { "X-Google-A": "b" } } }, "INVALID_ARGUMENT"],
  ["a header that splits", { httpRequest: { url, headers: { a: "b\r\nc: d" } } }, "INVALID_ARGUMENT"],
  ["more than 1 MB", { httpRequest: { url, body: Buffer.alloc(1024 * 1024) } }, "INVALID_ARGUMENT"],
  ["a schedule beyond 30 days", { httpRequest: { url }, scheduleTime: tooFar }, "INVALID_ARGUMENT"],
  ["a deadline under 15 s", { httpRequest: { url }, dispatchDeadline: { seconds: 14 } }, "INVALID_ARGUMENT"],
  [
    "a deadline over 30 min",
    { httpRequest: { url }, dispatchDeadline: { seconds: 1801 } },
    "INVALID_ARGUMENT",
  ],
  ["a malformed name", { httpRequest: { url }, name: "QUEUE/tasks/a.b" }, "INVALID_ARGUMENT"],
  [
    "another queue's name",
    { httpRequest: { url }, name: "projects/x/locations/y/queues/z/tasks/a" },
    "INVALID_ARGUMENT",
  ],
];

test.each(refusals)("%s is refused", async (_, task, code) => {
  const queue = await suite.queue();
  const named = task.name === undefined ? task : { ...task, name: task.name.replace("QUEUE", queue) };
  await expect(suite.client.createTask({ parent: queue, task: named })).rejects.toMatchObject({
    code: status[code],
  });
});

test("a task for a queue that doesn't exist is refused", async () => {
  const parent = "projects/none/locations/here/queues/none";
  const task = { httpRequest: { url } };
  await expect(suite.client.createTask({ parent, task })).rejects.toMatchObject({ code: status.NOT_FOUND });
});

test("rates and retries out of range are refused", async () => {
  await expect(suite.queue({ rateLimits: { maxDispatchesPerSecond: 501 } })).rejects.toMatchObject({
    code: status.INVALID_ARGUMENT,
  });
  await expect(suite.queue({ retryConfig: { maxAttempts: -2 } })).rejects.toMatchObject({
    code: status.INVALID_ARGUMENT,
  });
});

test("what isn't served says so", async () => {
  const parent = "projects/a/locations/here";
  await expect(suite.client.listQueues({ parent, filter: "state: PAUSED" })).rejects.toMatchObject({
    code: status.UNIMPLEMENTED,
  });
});

test("a queue's policy is kept until the queue is deleted, and everybody has every permission", async () => {
  const resource = await suite.queue();
  const read = async () => (await suite.client.getIamPolicy({ resource }))[0];
  expect((await read()).bindings).toEqual([]);
  const bindings = [{ role: "roles/cloudtasks.enqueuer", members: ["user:ada@example.com"] }];
  await suite.client.setIamPolicy({ resource, policy: { bindings } });
  expect((await read()).bindings).toMatchObject(bindings);
  const permissions = ["cloudtasks.tasks.create"];
  expect((await suite.client.testIamPermissions({ resource, permissions }))[0]).toMatchObject({
    permissions,
  });
  await suite.client.deleteQueue({ name: resource });
  await expect(read()).rejects.toMatchObject({ code: status.NOT_FOUND });
});
