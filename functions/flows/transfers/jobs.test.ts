import { afterEach, expect, test } from "vitest";
import type { Job } from "../../../shared/jobs/contract.ts";
import { JOB_LEASE_MS } from "../../../shared/jobs/jobs.ts";
import type { Stepped } from "../../../shared/jobs/run-job.ts";
import { EventStream } from "../../../shared/testing/event-stream.ts";
import type { Person } from "../../../shared/testing/start-system.ts";
import { usePeople, useSystem } from "../../../shared/testing/use-system.ts";
import { EXPORT } from "../../../shared/export/begin-export.ts";
import { OPEN_TRANSFERS_MAX } from "../../../shared/transfers/begin-transfer.ts";
import { runTransfer, type Transfer, type TransferKind } from "../../../shared/transfers/run-transfer.ts";
import { RESULT_KEPT_MS } from "../../../shared/transfers/tell-of.ts";

/** What holds for every import and export: whose it is, how it goes on, and who is told. */
const system = useSystem({ instances: 1 });
const [ada, bob] = usePeople(system, "ada@jobs.test", "bob@jobs.test");
const jobs = "/v1/apps/demo/jobs";

/** Its task is held back: the tests do the steps. */
async function begin(by: Person, headers: Record<string, string> = {}): Promise<Job> {
  hold();
  const { status, body } = await by.api.post("/v1/apps/demo/exports", {}, headers);
  expect(status).toBe(202);
  return body;
}
const hold = (): void => {
  const { promise: until } = Promise.withResolvers<void>();
  const match = transfers();
  system.fault({ service: "tasks", method: "CreateTask", match, kind: "before", until, count: 100 });
};
const transfers = (): string => `${system.project}/locations/${system.deps.config.region}/queues/transfers`;
const clear = (): void => system.suite.kernel.faults.clear(transfers());
const read = async (id: string, by = ada): Promise<Job> => (await by.api.get(`${jobs}/${id}`)).body;
const kindOf = (step: (transfer: Transfer) => Promise<Stepped>): TransferKind => ({ kind: EXPORT, step });
const run = (kind: TransferKind, job: string, step: number) =>
  runTransfer(system.deps, [kind], { app: "demo", job, step });

afterEach(async () => {
  clear();
  for (const { api } of [ada, bob]) {
    const { body } = await api.get(jobs);
    for (const { id } of body.data) await api.delete(`${jobs}/${id}`);
  }
});

test("a job is its person's own, and nobody else finds it", async () => {
  const job = await begin(ada, { "idempotency-key": "own" });
  expect(job).toMatchObject({
    kind: EXPORT,
    input: { format: "zip", scope: "person" },
    state: "pending",
    progress: { done: 0, failed: 0 },
    attempts: 0,
  });
  expect((await begin(ada, { "idempotency-key": "own" })).id).toBe(job.id);
  const { status: otherBody } = await ada.api.post(
    "/v1/apps/demo/exports",
    { scope: "app" },
    { "idempotency-key": "own" },
  );
  expect(otherBody).toBe(422);
  expect((await ada.api.post("/v1/apps/demo/exports", { scope: "app" })).status).toBe(403);
  expect((await ada.api.get(jobs)).body.data.map(({ id }: Job) => id)).toEqual([job.id]);
  expect((await bob.api.get(jobs)).body.data).toEqual([]);
  for (const { status } of [
    await bob.api.get(`${jobs}/${job.id}`),
    await bob.api.delete(`${jobs}/${job.id}`),
  ]) {
    expect(status).toBe(404);
  }
  expect((await system.operator.get(`/v1/operator/jobs/${job.id}`)).status).toBe(404);
  expect((await ada.api.get(`${jobs}/${job.id}`)).body).toEqual(job);
});

test("nobody has more under way than they may, whoever asks at once", async () => {
  hold();
  const asked = await Promise.all(
    Array.from({ length: OPEN_TRANSFERS_MAX + 2 }, () => ada.api.post("/v1/apps/demo/exports", {})),
  );
  const refused = asked.filter(({ status }) => status !== 202);
  expect(refused.map(({ body }) => body.code)).toEqual(["conflict", "conflict"]);
  expect((await bob.api.post("/v1/apps/demo/exports", {})).status).toBe(202);
});

test("each step goes on where the one before has come, and the person's stream tells of it", async () => {
  await using stream = await EventStream.open(`${system.url}/v1/apps/demo/events`, ada);
  await using others = await EventStream.open(`${system.url}/v1/apps/demo/events`, bob);
  await Promise.all([stream.reached, others.reached]);
  const { id } = await begin(ada);
  const cursors: (string | null)[] = [];
  const kind = kindOf(async ({ cursor, by, attempts }) => {
    cursors.push(cursor);
    expect([by.id, by.role, attempts]).toEqual([ada.id, "member", 1]);
    system.suite.kernel.clock.advance(10_000);
    return cursor === null
      ? { cursor: "half", done: 100, fraction: 0.5 }
      : { cursor: null, done: 50, failed: 1, result: { size: 7 } };
  });
  await run(kind, id, 0);
  const { perSecond = 0, secondsLeft = 0, ...progress } = (await read(id)).progress;
  expect(progress).toEqual({ done: 100, failed: 0, fraction: 0.5 });
  // Half of it has taken as long as the rest is expected to take.
  expect(perSecond).toBeLessThanOrEqual(10);
  expect(Math.abs(secondsLeft - 100 / perSecond)).toBeLessThan(1.5);
  expect(await run(kind, id, 0)).toEqual({ job: id, state: "done before" });
  await run(kind, id, 1);
  expect(cursors).toEqual([null, "half"]);
  const done = await read(id);
  expect(done).toMatchObject({
    state: "completed",
    result: { size: 7 },
    progress: { done: 150, fraction: 1 },
  });
  await stream.until((all) => all.some(({ data }) => data.state === "completed"));
  const told = stream.events.filter(({ event }) => event === "job.changed").map(({ data }) => data);
  expect(told.map(({ state }) => state)).toEqual(["pending", "running", "completed"]);
  expect(told.at(-1)).toEqual(done);
  expect(others.events.filter(({ event }) => event === "job.changed")).toEqual([]);
  const stored = await system.deps.firestore.doc(`apps/demo/jobs/${id}`).get();
  const keptMs = stored.get("expireAt").toMillis() - Date.parse(done.updatedAt);
  expect(keptMs).toBe(RESULT_KEPT_MS);
});

test("one that is cancelled ends, though its step is under way, and stays as it is", async () => {
  const { id } = await begin(ada);
  const kind = kindOf(async () => {
    expect((await ada.api.delete(`${jobs}/${id}`)).status).toBe(204);
    return { cursor: null, done: 1 };
  });
  await expect(run(kind, id, 0)).rejects.toMatchObject({ code: "unavailable" });
  expect(await run(kind, id, 0)).toMatchObject({ state: "over before" });
  const cancelled = await read(id);
  expect(cancelled).toMatchObject({ state: "failed", error: { code: "cancelled" }, progress: { done: 0 } });
  expect((await ada.api.delete(`${jobs}/${id}`)).status).toBe(204);
  expect(await read(id)).toEqual(cancelled);
});

test("a step that fails is tried again; what can't be done ends with its reason", async () => {
  const { id } = await begin(ada);
  const attempts: number[] = [];
  const failing = kindOf(({ attempts: attempt }) => {
    attempts.push(attempt);
    return Promise.reject(new Error("Something is broken."));
  });
  await expect(run(failing, id, 0)).rejects.toThrow("broken");
  await expect(run(failing, id, 0)).rejects.toThrow("broken");
  expect(attempts).toEqual([1, 2]);
  expect((await read(id)).state).toBe("running");
  await run({ ...failing, kind: "another" }, id, 0);
  expect(await read(id)).toMatchObject({ state: "failed", error: { code: "conflict" } });
});

test("nothing goes on for whoever has left the app", async () => {
  const carol = await system.signIn("carol@jobs.test");
  const { id } = await begin(carol);
  await system.operator.put(`/v1/apps/demo/users/${carol.id}/disabled`);
  const kind = kindOf(() => Promise.resolve({ cursor: null, done: 1 }));
  await run(kind, id, 0);
  const stored = await system.deps.firestore.doc(`apps/demo/jobs/${id}`).get();
  expect([stored.get("state"), stored.get("error.code")]).toEqual(["failed", "conflict"]);
});

test("one whose task was lost is found by the schedule", async () => {
  const { id } = await begin(ada);
  clear();
  await system.settle();
  expect((await read(id)).state).toBe("pending");
  system.suite.kernel.clock.advance(2 * JOB_LEASE_MS);
  await system.runSchedule("recover-jobs");
  await system.settle();
  expect((await read(id)).state).toBe("completed");
});

test("what jobs cost", async () => {
  const { id } = await begin(ada);
  const cost = async (work: () => Promise<unknown>) => {
    const { billed, tasks } = await system.meterRequest(work);
    return [billed.reads, billed.writes, tasks];
  };
  expect(await cost(() => ada.api.get(`${jobs}/${id}`))).toEqual([1, 0, 0]);
  expect(await cost(() => ada.api.get(jobs))).toEqual([(await ada.api.get(jobs)).body.data.length, 0, 0]);
  expect(await cost(() => ada.api.delete(`${jobs}/${id}`))).toEqual([1, 2, 0]);
  clear();
  expect(await cost(() => ada.api.post("/v1/apps/demo/exports", {}))).toEqual([1, 3, 1]);
  const key = { "idempotency-key": "cost" };
  expect(await cost(() => ada.api.post("/v1/apps/demo/exports", {}, key))).toEqual([2, 4, 1]);
  // The task is there already.
  expect(await cost(() => ada.api.post("/v1/apps/demo/exports", {}, key))).toEqual([2, 0, 0]);
  const step = kindOf(() => Promise.resolve({ cursor: "next", done: 1 }));
  const { id: other } = await begin(bob);
  expect(await cost(() => run(step, other, 0))).toEqual([2, 3, 0]);
});
