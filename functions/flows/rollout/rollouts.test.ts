import { expect, test } from "vitest";
import { appHandle } from "../../../shared/identity/app.ts";
import { type Choice, choose } from "../../../shared/rollout/choose.ts";
import {
  DECISIONS_SHOWN_MAX,
  EXCEPTIONS_MAX,
  ROLLOUTS_MAX,
  STEPS_MAX,
  VERSION_CHARS_MAX,
} from "../../../shared/rollout/contract.ts";
import { openRollouts, ROLLOUTS_IDLE_MS } from "../../../shared/rollout/rollouts.ts";
import { usePeople, useRole, useSystem } from "../../../shared/testing/use-system.ts";

const system = useSystem();
const admin = useRole(system, "admin");
const [member] = usePeople(system, "member@rollouts.test");

const at = (name: string) => `/v1/apps/demo/rollouts/${name}`;
const definition = {
  stable: "small-1",
  candidate: "small-2",
  mode: "canary",
  steps: [{ from: "2026-01-01T00:00:00Z", percent: 50 }],
};
const demo = () => appHandle(system.deps.firestore, "demo");

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
});

test("an instance follows so many apps at most, and those that are served", async () => {
  const rollouts = openRollouts(system.deps, 2);
  const of = (id: string) => rollouts.of(appHandle(system.deps.firestore, id));
  for (const id of ["one", "two", "one", "three"]) await of(id);
  expect(rollouts.listeners()).toBe(2);
  // Whoever is known costs no query, and the one used least lately is not.
  const queries = async (id: string) => {
    const before =
      system.suite.kernel.meter.read({ project: system.project }).rpcs["firestore.RunQuery"] ?? 0;
    await of(id);
    const after = system.suite.kernel.meter.read({ project: system.project }).rpcs["firestore.RunQuery"] ?? 0;
    return after - before;
  };
  expect([await queries("one"), await queries("three"), await queries("two")]).toEqual([0, 0, 1]);
});

test("the latest decisions are shown", async () => {
  for (let percent = 0; percent <= DECISIONS_SHOWN_MAX; percent += 1) {
    const step = { from: "2026-01-01T00:00:00Z", percent };
    await admin.api.put(at("decided"), { ...definition, steps: [step] });
  }
  const { decisions } = (await admin.api.get(at("decided"))).body;
  expect(decisions).toHaveLength(DECISIONS_SHOWN_MAX);
  expect([decisions[0].revision, decisions.at(-1).revision]).toEqual([DECISIONS_SHOWN_MAX + 1, 2]);
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
