import { afterAll, beforeAll, expect, test } from "vitest";
import { appHandle } from "../../shared/identity/app.ts";
import { type Choice, choose } from "../../shared/rollout/choose.ts";
import {
  DECISIONS_SHOWN_MAX,
  EXCEPTIONS_MAX,
  ROLLOUTS_MAX,
  STEPS_MAX,
  VERSION_CHARS_MAX,
} from "../../shared/rollout/contract.ts";
import {
  type Answered,
  addOutcomes,
  OUTCOME_SHARDS,
  OUTCOMES_PER_DOCUMENT_MAX,
  type Outcome,
  WINDOW_MS,
  WINDOWS_OPEN,
} from "../../shared/rollout/outcome.ts";
import { openRollouts, ROLLOUTS_FOLLOWED_MAX, ROLLOUTS_IDLE_MS } from "../../shared/rollout/rollouts.ts";
import { type Person, type System, startSystem } from "../../shared/testing/start-system.ts";

let system: System;
let admin: Person;
let member: Person;
beforeAll(async () => {
  system = await startSystem();
  [admin, member] = [await system.signIn("admin@rollouts.test"), await system.signIn("member@rollouts.test")];
  await system.operator.patch(`/v1/apps/demo/users/${admin.id}`, { role: "admin" });
  admin = await system.signIn("admin@rollouts.test");
});
afterAll(() => system[Symbol.asyncDispose]());

const at = (name: string) => `/v1/apps/demo/rollouts/${name}`;
const definition = {
  stable: "small-1",
  candidate: "small-2",
  mode: "canary",
  steps: [{ from: "2026-01-01T00:00:00Z", percent: 50 }],
};
const demo = () => appHandle(system.deps.firestore, "demo");

/** As the handler of a chat's changes does: with the commit that says that they are handled. */
async function count(
  outcomes: readonly Outcome[],
  nowMs = system.deps.clock.now(),
  shardKey = 1,
): Promise<void> {
  const batch = system.deps.firestore.batch();
  addOutcomes(batch, demo(), shardKey, outcomes, nowMs);
  await batch.commit();
}
const answers = (
  name: string,
  arm: "stable" | "candidate",
  times: number,
  change: Partial<Answered & { language: string }> = {},
): Outcome[] =>
  Array.from({ length: times }, () => ({
    name,
    trial: { number: 1, percent: 50, arm },
    language: "en",
    kind: "answered",
    ok: true,
    latencyMs: 800,
    firstTokenMs: 200,
    ...change,
  }));

test("a rollout is created, read, replaced, and repeats itself without effect", async () => {
  const created = await admin.api.put(at("model-fast"), definition);
  expect([created.status, created.headers.get("etag")]).toEqual([201, '"1"']);
  expect(created.body).toMatchObject({
    name: "model-fast",
    definition: {
      ...definition,
      exceptions: [],
      attempt: 1,
      thresholds: { errorPoints: 2, latencyRatio: 1.5, negativePoints: 10, minimumSamples: 50 },
    },
    state: { trial: 1, percent: 50, isRunning: true, rolledBack: null, withdrawn: [] },
    decisions: [{ revision: 1, kind: "started", by: admin.id, percent: 50, figures: [] }],
  });
  expect((await admin.api.put(at("model-fast"), definition)).body).toEqual(created.body);
  expect((await admin.api.get(at("model-fast"))).body).toEqual(created.body);
  const replaced = await admin.api.put(at("model-fast"), { ...definition, candidate: "small-3" });
  expect([replaced.status, replaced.body.state.trial, replaced.body.revision]).toEqual([200, 2, 2]);
  const stopped = await admin.api.put(at("model-fast"), { ...definition, candidate: "small-3", mode: "off" });
  expect(stopped.body.state).toMatchObject({ trial: 2, percent: 0, isRunning: false });
  const kinds = stopped.body.decisions.map(({ kind }: { kind: string }) => kind);
  expect(kinds).toEqual(["stopped", "started", "started"]);
});

test("If-Match refuses who has not read the latest, and what is not there", async () => {
  expect((await admin.api.put(at("absent"), definition, { "if-match": "*" })).status).toBe(412);
  const { headers } = await admin.api.put(at("matched"), definition);
  const etag = headers.get("etag") ?? "";
  const next = { ...definition, steps: [{ from: "2026-01-01T00:00:00Z", percent: 60 }] };
  expect((await admin.api.put(at("matched"), next, { "if-match": etag })).status).toBe(200);
  const late = await admin.api.put(at("matched"), definition, { "if-match": etag });
  expect([late.status, late.body.code]).toEqual([412, "precondition_failed"]);
});

test("two admins at once are both recorded, one after the other", async () => {
  await admin.api.put(at("raced"), definition);
  const raised = [70, 80, 90].map((percent) =>
    admin.api.put(at("raced"), { ...definition, steps: [{ from: "2026-01-01T00:00:00Z", percent }] }),
  );
  expect((await Promise.all(raised)).map(({ status }) => status)).toEqual([200, 200, 200]);
  const { body } = await admin.api.get(at("raced"));
  expect(body.decisions.map(({ revision }: { revision: number }) => revision)).toEqual([4, 3, 2, 1]);
});

const steps = (length: number) =>
  Array.from({ length }, (_, day) => ({ from: new Date(day * 86_400_000).toISOString(), percent: 1 }));
const exceptions = (length: number) =>
  Array.from({ length }, () => ({ segment: { language: "es" }, version: "small-1" }));

test.each([
  ["a canary without a step", { steps: [] }, "steps"],
  ["the same version twice", { candidate: "small-1" }, "candidate"],
  ["a share above all", { steps: [{ from: "2026-01-01T00:00:00Z", percent: 101 }] }, "steps.0.percent"],
  [
    "a share that is too fine",
    { steps: [{ from: "2026-01-01T00:00:00Z", percent: 0.001 }] },
    "steps.0.percent",
  ],
  ["steps out of order", { steps: steps(2).toReversed() }, "steps"],
  ["too many steps", { steps: steps(STEPS_MAX + 1) }, "steps"],
  ["too many exceptions", { exceptions: exceptions(EXCEPTIONS_MAX + 1) }, "exceptions"],
  ["an exception for nobody", { exceptions: [{ segment: {}, version: "small-1" }] }, "exceptions.0.segment"],
  [
    "an exception with a third version",
    { exceptions: [{ segment: { language: "es" }, version: "x" }] },
    "exceptions.0.version",
  ],
  ["a version that is too long", { candidate: "x".repeat(VERSION_CHARS_MAX + 1) }, "candidate"],
  ["a threshold that forgives nothing", { thresholds: { errorPoints: 0 } }, "thresholds.errorPoints"],
  ["too few samples", { thresholds: { minimumSamples: 1 } }, "thresholds.minimumSamples"],
  ["a field that is not known", { salt: "x" }, "salt"],
])("%s is refused", async (_, change, path) => {
  const { status, body } = await admin.api.put(at("refused"), { ...definition, ...change });
  expect([status, body.code]).toEqual([400, "invalid_request"]);
  expect(body.errors.map((each: { path: string }) => each.path)).toContain(path);
});

test("what is within the limits is taken", async () => {
  const full = {
    steps: steps(STEPS_MAX),
    exceptions: exceptions(EXCEPTIONS_MAX),
    candidate: "x".repeat(VERSION_CHARS_MAX),
  };
  expect((await admin.api.put(at("full"), { ...definition, ...full })).status).toBe(201);
});

test("members may not look, strangers are not known, and other names are not found", async () => {
  for (const path of [at("model-fast"), "/v1/apps/demo/reports/rollout-model-fast"]) {
    expect((await member.api.get(path)).status).toBe(403);
    expect((await system.client().get(path)).status).toBe(401);
  }
  expect((await member.api.put(at("model-fast"), definition)).status).toBe(403);
  expect((await system.client().put(at("model-fast"), definition)).status).toBe(401);
  for (const name of ["nothing", "Upper", "-x", "x".repeat(42)]) {
    expect((await admin.api.get(at(name))).status).toBe(404);
    expect((await admin.api.get(`/v1/apps/demo/reports/rollout-${name}`)).status).toBe(404);
  }
  expect((await admin.api.get("/v1/apps/demo/reports/else")).status).toBe(404);
});

test("the report compares the versions by language, and takes opinions back", async () => {
  await admin.api.put(at("reported"), definition);
  const rated = (before: "up" | "down" | undefined, after: "up" | "down" | undefined): Outcome => ({
    name: "reported",
    trial: { number: 1, percent: 50, arm: "candidate" },
    language: "es",
    kind: "rated",
    before,
    after,
  });
  await count([
    ...answers("reported", "stable", 8),
    ...answers("reported", "stable", 2, { ok: false }),
    ...answers("reported", "candidate", 4, { language: "es", latencyMs: 1_600, shadowDiffers: true }),
    ...answers("reported", "candidate", 1, { language: "es", latencyMs: 1_600, shadowDiffers: false }),
    rated(undefined, "up"),
    rated("up", "down"),
  ]);
  await count([rated("down", "down")]);
  await count(answers("reported", "stable", 1, { language: "not a language" }), undefined, 5);
  const { status, body } = await admin.api.get("/v1/apps/demo/reports/rollout-reported");
  expect([status, body.rollout, body.trial]).toEqual([200, "reported", 1]);
  expect(body.segments.map(({ segment }: { segment: object }) => segment)).toEqual([
    { language: "en" },
    { language: "es" },
    { language: "und" },
  ]);
  expect(body.segments[0].stable).toMatchObject({
    version: "small-1",
    samples: 10,
    errors: 2,
    errorRate: 0.2,
  });
  expect(body.segments[1].candidate).toMatchObject({
    version: "small-2",
    samples: 5,
    feedback: { up: 0, down: 1 },
    shadow: { runs: 5, differences: 4 },
  });
  expect(body.overall.stable.samples).toBe(11);
  expect(Math.abs(body.segments[1].candidate.latencyMs.p50 / 1_600 - 1)).toBeLessThan(0.2);
  expect(body.segments[0].candidate.latencyMs).toBeNull();
});

test("every route has its budget", async () => {
  const billed = async (work: () => Promise<unknown>) => (await system.meterRequest(work)).billed;
  // The rollout, how many there are, and the decision that is shown.
  expect(await billed(() => admin.api.put(at("counted"), definition))).toEqual({
    reads: 3,
    writes: 2,
    deletes: 0,
  });
  expect(await billed(() => admin.api.put(at("counted"), definition))).toEqual({
    reads: 2,
    writes: 0,
    deletes: 0,
  });
  expect(await billed(() => admin.api.get(at("counted")))).toEqual({ reads: 2, writes: 0, deletes: 0 });
  const changed = { ...definition, mode: "shadow" };
  expect(await billed(() => admin.api.put(at("counted"), changed))).toEqual({
    reads: 3,
    writes: 2,
    deletes: 0,
  });
  for (let shard = 0; shard < OUTCOME_SHARDS; shard += 1) {
    const own = await billed(() => count(answers("counted", "stable", 20), undefined, shard));
    expect(own).toEqual({ reads: 0, writes: 1, deletes: 0 });
  }
  const report = () => admin.api.get("/v1/apps/demo/reports/rollout-counted");
  expect(await billed(report)).toEqual({ reads: 2 + OUTCOME_SHARDS, writes: 0, deletes: 0 });
  expect(DECISIONS_SHOWN_MAX).toBe(50);
});

test("choosing costs nothing once an app is followed, hears of changes, and lets go what is idle", async () => {
  let nowMs = 0;
  const rollouts = openRollouts({ ...system.deps, clock: { now: () => nowMs } });
  const of = async (): Promise<Choice | undefined> =>
    choose(await rollouts.of(demo()), { name: "followed", person: "ada", segment: {} });
  await admin.api.put(at("followed"), {
    ...definition,
    steps: [{ from: "2026-01-01T00:00:00Z", percent: 100 }],
  });
  expect(await of()).toMatchObject({ version: "small-2", reason: "canary" });
  const cost = await system.meterRequest(async () => {
    for (let times = 0; times < 20; times += 1) await of();
  });
  expect(cost.billed).toEqual({ reads: 0, writes: 0, deletes: 0 });
  await admin.api.put(at("followed"), { ...definition, mode: "off" });
  await rollouts.confirm(demo());
  expect(await of()).toEqual({ version: "small-1", reason: "stable" });
  expect(rollouts.listeners()).toBe(1);
  nowMs += ROLLOUTS_IDLE_MS + 1;
  await rollouts.of(appHandle(system.deps.firestore, "other"));
  expect(rollouts.listeners()).toBe(1);
  expect(await of()).toMatchObject({ version: "small-1" });
  expect(ROLLOUTS_FOLLOWED_MAX).toBeGreaterThan(1);
});

test("an app has at most so many rollouts", async () => {
  const { id } = await system.createApp("Full");
  const path = (name: string) => `/v1/apps/${id}/rollouts/${name}`;
  const batch = system.deps.firestore.batch();
  for (let index = 0; index < ROLLOUTS_MAX - 1; index += 1) {
    batch.create(system.deps.firestore.doc(`apps/${id}/rollouts/other-${index}`), { name: `other-${index}` });
  }
  await batch.commit();
  expect((await system.operator.put(path("last"), definition)).status).toBe(201);
  const { status, body } = await system.operator.put(path("one-more"), definition);
  expect([status, body.code]).toEqual([409, "conflict"]);
});

test("a commit takes any number of outcomes, however different, and so does a total", async () => {
  await admin.api.put(at("many"), definition);
  const now = system.deps.clock.now();
  const languages = Array.from({ length: 26 }, (_, letter) => `x${String.fromCharCode(97 + letter)}`);
  const all = languages.flatMap((language) =>
    Array.from({ length: 40 }, (_, time) =>
      answers("many", "stable", 1, { language, latencyMs: 2 ** (time / 4), firstTokenMs: 2 ** (time / 3) }),
    ).flat(),
  );
  expect(all.length).toBeGreaterThan(10 * OUTCOMES_PER_DOCUMENT_MAX);
  await count(all, now - WINDOWS_OPEN * WINDOW_MS - WINDOW_MS);
  const report = () => admin.api.get("/v1/apps/demo/reports/rollout-many");
  const before = (await report()).body;
  expect([before.overall.stable.samples, before.segments.length]).toEqual([all.length, languages.length]);
  await system.runSchedule("judge-rollouts");
  expect((await report()).body).toEqual(before);
  const left = system.deps.firestore.collection("apps/demo/outcomes").where("trial", "==", "many.1");
  expect((await left.get()).empty).toBe(true);
});

test("windows that are over are folded into a total, and none is lost", async () => {
  await admin.api.put(at("folded"), definition);
  const now = system.deps.clock.now();
  await count(answers("folded", "stable", 7), now - WINDOWS_OPEN * WINDOW_MS - WINDOW_MS);
  await count(answers("folded", "stable", 3), now);
  const report = () => admin.api.get("/v1/apps/demo/reports/rollout-folded");
  const before = (await report()).body;
  await Promise.all([system.runSchedule("judge-rollouts"), system.runSchedule("judge-rollouts")]);
  expect((await report()).body).toEqual(before);
  const left = await system.deps.firestore
    .collection("apps/demo/outcomes")
    .where("trial", "==", "folded.1")
    .get();
  expect(left.size).toBe(1);
  // What is counted late into a window that is gone is folded by the next run.
  await count(answers("folded", "stable", 5), now - WINDOWS_OPEN * WINDOW_MS - WINDOW_MS);
  await system.runSchedule("judge-rollouts");
  expect((await report()).body.overall.stable.samples).toBe(15);
});
