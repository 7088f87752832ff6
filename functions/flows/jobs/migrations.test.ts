import { expect, test } from "vitest";
import type { Job } from "../../../shared/jobs/contract.ts";
import { JOB_ATTEMPTS_MAX, JOB_LEASE_MS, jobsOf } from "../../../shared/jobs/jobs.ts";
import { GRACE_MS } from "../../../shared/chat/upkeep/sweep-changes.ts";
import { FieldValue } from "../../../shared/platform/firestore-values.ts";
import { useSystem } from "../../../shared/testing/use-system.ts";

const system = useSystem();

const chats = "/v1/apps/demo/chats";
const CHATS = 250;

/** Chats as they were stored before the fields existed. */
async function oldChats(): Promise<void> {
  const numbers = await Promise.all(
    Array.from(
      { length: CHATS },
      async () => (await system.operator.post(chats, { kind: "group" })).body.number,
    ),
  );
  const old = { isCrowd: FieldValue.delete(), facetsRevision: FieldValue.delete() };
  await Promise.all(
    numbers.map((number) => system.deps.firestore.doc(`apps/demo/chats/${number}`).update(old)),
  );
}

const withoutFields = async (): Promise<number> => {
  const all = await system.deps.firestore.collection("apps/demo/chats").get();
  return all.docs.filter((each) => each.get("number") !== undefined && each.get("isCrowd") === undefined)
    .length;
};
const begin = (body: object, key: string) =>
  system.operator.post(
    "/v1/operator/migrations",
    { name: "chat-crowds", ...body },
    { "idempotency-key": key },
  );

async function finished(id: string): Promise<Job> {
  const read = async (): Promise<Job> => (await system.operator.get(`/v1/operator/jobs/${id}`)).body;
  await expect
    .poll(
      async () => {
        system.suite.kernel.clock.advance(1_000);
        return (await read()).state;
      },
      { interval: 30, timeout: 20_000 },
    )
    .toMatch(/completed|failed/);
  return read();
}

test(
  "a migration brings old documents into the new form while they are used, a page at a time, and only once",
  {
    timeout: 60_000,
  },
  async () => {
    await oldChats();
    expect(await withoutFields()).toBe(CHATS);
    const rehearsed = await finished((await begin({ dryRun: true }, "rehearsal")).body.id);
    expect(rehearsed).toMatchObject({ state: "completed", progress: { done: CHATS, failed: 0 } });
    expect(await withoutFields()).toBe(CHATS);

    const begun = await begin({}, "once");
    expect(begun.status).toBe(202);
    expect((await begin({}, "once")).body.id).toBe(begun.body.id);
    expect((await begin({ dryRun: true }, "once")).status).toBe(422);
    // Old and new code write meanwhile.
    const written = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        system.operator.post(`${chats}/${index + 1}/messages`, { text: "hi" }),
      ),
    );
    expect(written.every(({ status }) => status === 201)).toBe(true);
    const job = await finished(begun.body.id);
    expect(job).toMatchObject({ kind: "migrate", state: "completed" });
    expect(job.progress.done).toBeGreaterThan(CHATS - 25);
    expect(await withoutFields()).toBe(0);
    const { body } = await system.operator.get(`${chats}/1/messages`);
    expect(body.data).toHaveLength(1);
    expect(await finished((await begin({}, "again")).body.id)).toMatchObject({ progress: { done: 0 } });
    const { body: listed } = await system.operator.get("/v1/operator/jobs?limit=2");
    expect(listed.data.map(({ kind }: Job) => kind)).toEqual(["migrate", "migrate"]);
    expect(listed.hasMore).toBe(true);
  },
);

test("a job goes on where it was after a fault of any of its calls", { timeout: 60_000 }, async () => {
  const old = { isCrowd: FieldValue.delete() };
  for (const [index, kind] of (["before", "after", "drop"] as const).entries()) {
    await Promise.all(
      Array.from({ length: 5 }, (_, each) =>
        system.deps.firestore.doc(`apps/demo/chats/${each + 1}`).update(old),
      ),
    );
    for (const method of ["Commit", "RunQuery", "BatchGetDocuments"]) {
      system.fault({ service: "firestore", method, kind, skip: index, code: "UNAVAILABLE" });
    }
    const { body } = await begin({}, `faults ${kind}`);
    const job = await finished(body.id ?? (await begin({}, `faults ${kind}`)).body.id);
    system.suite.kernel.faults.clear();
    expect([kind, job.state]).toEqual([kind, "completed"]);
    expect(await withoutFields()).toBe(0);
  }
});

test(
  "a job whose task was lost is found by the schedule; one that fails each time ends as failed",
  {
    timeout: 60_000,
  },
  async () => {
    system.fault({ service: "tasks", method: "CreateTask", kind: "before", code: "UNAVAILABLE", count: 10 });
    const lost = (await begin({}, "lost")).body;
    system.suite.kernel.faults.clear();
    await system.settle();
    expect((await system.operator.get(`/v1/operator/jobs/${lost.id}`)).body.state).toBe("pending");
    system.suite.kernel.clock.advance(2 * JOB_LEASE_MS);
    await system.runSchedule("recover-jobs");
    expect((await finished(lost.id)).state).toBe("completed");
    expect(system.logs.some(({ recovered, outcome }) => recovered === 1 && outcome === "ok")).toBe(true);

    const doomed = (await begin({ perSecond: 400 }, "doomed")).body;
    await jobsOf(system.deps.firestore)
      .doc(doomed.id)
      .update({ state: "running", kind: "gone", leaseUntil: null, step: 7 });
    await system.deps.tasks.enqueue({
      queue: "jobs",
      function: "run-job",
      id: ["doomed"],
      payload: { job: doomed.id, step: 7 },
    });
    expect(await finished(doomed.id)).toMatchObject({ state: "failed", error: { code: "conflict" } });
    expect(system.logs.some(({ event }) => event === "job.failed")).toBe(true);
    expect(JOB_ATTEMPTS_MAX).toBeLessThan(20);
  },
);

test("migrations are the operator's, and named", async () => {
  expect((await begin({ name: "no-such" }, "unknown")).status).toBe(404);
  expect((await begin({ perSecond: 0 }, "slow")).status).toBe(400);
  const ada = await system.signIn("ada@migrations.test");
  expect((await ada.api.post("/v1/operator/migrations", { name: "chat-crowds" })).status).toBe(401);
  expect((await system.operator.get(`/v1/operator/jobs/${"0".repeat(26)}`)).status).toBe(404);
});

test("what was archived and pinned for all is each member's own afterwards, and what they said stays", async () => {
  const ada = await system.signIn("ada@migrations.test");
  const bob = await system.signIn("bob@migrations.test");
  const { body } = await ada.api.post(chats, { kind: "direct", members: [bob.id] });
  await ada.api.post(`${chats}/${body.number}/messages`, { text: "Hello" });
  const head = system.deps.firestore.doc(`apps/demo/chats/${body.number}`);
  await head.update({ archived: true, pinned: true });
  await using elsewhere = await system.anotherInstance();
  await elsewhere.as(ada).patch(`${chats}/${body.number}`, { archived: false });
  const seen = async () =>
    Promise.all(
      [ada, bob].map(async (person) => {
        const { archived, pinned } = (await elsewhere.as(person).get(`${chats}/${body.number}`)).body;
        return [archived, pinned];
      }),
    );
  const expected = [
    [false, true],
    [true, true],
  ];
  expect(await seen()).toEqual(expected);
  await finished((await begin({ name: "own-archive" }, "own-archive")).body.id);
  expect((await head.get()).data()).toMatchObject({ archived: false, pinned: false });
  expect(await seen()).toEqual(expected);
  const listed = await elsewhere.as(bob).get(`${chats}?archived=true`);
  expect(listed.body.data.map(({ number }: { number: number }) => number)).toEqual([body.number]);
  // It is theirs now: a message brings it back for Bob.
  await ada.api.post(`${chats}/${body.number}/messages`, { text: "Again" });
  expect(await seen()).toEqual([
    [false, true],
    [false, true],
  ]);
});

test("messages deleted before are marked, and the audit brings their chat's unread counts right", async () => {
  const ada = await system.signIn("ada@migrations.test");
  const { body } = await ada.api.post(chats, { kind: "group" });
  const messages = `${chats}/${body.number}/messages`;
  for (const text of ["One", "Two"]) await ada.api.post(messages, { text });
  await ada.api.delete(`${messages}/1`);
  const head = system.deps.firestore.doc(`apps/demo/chats/${body.number}`);
  const [first] = (await head.collection("messages").where("number", "==", 1).get()).docs;
  await first?.ref.update({ silent: FieldValue.delete() });
  await head.update({ silent: FieldValue.delete() });
  await finished((await begin({ name: "silent-messages" }, "silent-messages")).body.id);
  expect((await first?.ref.get())?.get("silent")).toBe(true);
  system.suite.kernel.clock.advance(GRACE_MS + 1_000);
  await system.runSchedule("audit");
  expect((await head.get()).get("silent")).toEqual([1, 1]);
});

test("people and chats from before names were found by keys are found afterwards", async () => {
  const ada = await system.signIn("ada@keys.test");
  const { body } = await ada.api.post(chats, { kind: "group", title: "Elderberry" });
  const { firestore } = system.deps;
  const old = { nameKeys: FieldValue.delete() };
  await firestore.doc(`apps/demo/users/${ada.id}`).update({ ...old, emailKeys: FieldValue.delete() });
  await firestore.doc(`apps/demo/chats/${body.number}`).update(old);
  const found = async (): Promise<number[]> => {
    const [users, titled] = await Promise.all([
      system.operator.get("/v1/apps/demo/users?q=ada%40keys"),
      ada.api.get(`${chats}?q=elderb`),
    ]);
    return [users.body.data.length, titled.body.data.length];
  };
  expect(await found()).toEqual([0, 0]);
  // Old code writes the head without them, and new code with it.
  await ada.api.post(`${chats}/${body.number}/messages`, { text: "Hello" });
  for (const name of ["user-name-keys", "chat-name-keys"]) {
    const job = await finished((await begin({ name }, name)).body.id);
    expect(job).toMatchObject({ state: "completed", progress: { failed: 0 } });
  }
  expect(await found()).toEqual([1, 1]);
  const again = await finished((await begin({ name: "chat-name-keys" }, "keys again")).body.id);
  expect(again.progress.done).toBe(0);
});
