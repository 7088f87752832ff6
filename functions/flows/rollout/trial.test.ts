import { expect, test } from "vitest";
import { type App, appHandle } from "../../../shared/identity/app.ts";
import type { Principal } from "../../../shared/identity/principal.ts";
import { changeRollout } from "../../../shared/rollout/change-rollout.ts";
import { choose } from "../../../shared/rollout/choose.ts";
import { type Rollout, RolloutDefinition } from "../../../shared/rollout/contract.ts";
import { type Judged, judgeRollouts, PAGE } from "../../../shared/rollout/judge-rollouts.ts";
import { addOutcomes, OUTCOMES_PER_DOCUMENT_MAX, type Outcome } from "../../../shared/rollout/outcome.ts";
import { readRollout } from "../../../shared/rollout/read-rollout.ts";
import { openRollouts, type Rollouts } from "../../../shared/rollout/rollouts.ts";
import { type Behaviour, GOOD, simulateTraffic } from "../../../shared/testing/simulated-traffic.ts";
import { useSystem } from "../../../shared/testing/use-system.ts";

const system = useSystem();

const admin: Principal = { id: "admin", kind: "person", role: "admin" };
const BEGIN = Date.parse("2026-03-02T08:00:00Z");
const HOUR = 3_600_000;

/** An app with rollouts, whose time goes on when the test says so. */
async function trialOf(id: string, names: readonly string[], change: object = {}) {
  let nowMs = BEGIN;
  const deps = { ...system.deps, clock: { now: () => nowMs } };
  const app = appHandle(system.deps.firestore, id);
  const definition = RolloutDefinition.parse({
    stable: "v1",
    candidate: "v2",
    mode: "canary",
    steps: [
      { from: new Date(BEGIN).toISOString(), percent: 20 },
      { from: new Date(BEGIN + 2 * HOUR).toISOString(), percent: 50 },
    ],
    ...change,
  });
  for (const name of names) await changeRollout(deps, app, admin, { name, definition, expected: undefined });
  return { deps, app, rollouts: openRollouts(deps), advance: (ms: number) => void (nowMs += ms) };
}
type Trial = Awaited<ReturnType<typeof trialOf>>;

async function count({ deps, app }: Pick<Trial, "deps" | "app">, outcomes: readonly Outcome[], shardKey = 1) {
  const batch = deps.firestore.batch();
  addOutcomes(batch, app, shardKey, { outcomes, nowMs: deps.clock.now() });
  await batch.commit();
}

const FAST = "model-fast";
const SLOW = "model-slow";
const CLASSIFIER = "classifier";
type Plan = (name: string, version: string, language: string) => Behaviour;
const planted: Plan = (name, version, language) => {
  if (version === "v1" || name === CLASSIFIER) return GOOD;
  if (name === SLOW) return { ...GOOD, medianMs: 2.2 * GOOD.medianMs };
  return language === "es" ? { ...GOOD, errorShare: 0.15 } : GOOD;
};

const QUESTIONS = 10_000;
const ROUNDS = 50;

/** Ten hours of traffic; the judge looks after each round. */
async function run(trial: Trial, plan: Plan, seed: number) {
  const { app, deps, rollouts, advance } = trial;
  const traffic = simulateTraffic(seed, 500);
  const seen = new Map<string, string>();
  let changedMinds = 0;
  const versionsOf = async (round: number): Promise<void> => {
    const set = await rollouts.of(app);
    const outcomes: Outcome[] = [];
    for (let asked = 0; asked < QUESTIONS / ROUNDS; asked += 1) {
      const { person, language, lane } = traffic.question();
      for (const name of [lane === "fast" ? FAST : SLOW, CLASSIFIER]) {
        const choice = choose(set, { name, person, segment: { language } });
        if (choice === undefined) throw new Error("There is a rollout of each name.");
        const key = `${name}/${set.get(name)?.revision}/${person}`;
        if ((seen.get(key) ?? choice.version) !== choice.version) changedMinds += 1;
        seen.set(key, choice.version);
        const { trial: counted } = choice;
        if (counted === undefined) continue;
        const found = traffic.outcomes(plan(name, choice.version, language));
        outcomes.push(...found.map((each) => ({ ...each, name, trial: counted, language })));
      }
    }
    await count(trial, outcomes, round % 2);
  };
  for (let round = 0; round < ROUNDS; round += 1) {
    await versionsOf(round);
    advance((10 * HOUR) / ROUNDS);
    await judgeRollouts(deps);
    await rollouts.confirm(app);
  }
  return { changedMinds, people: new Set([...seen.keys()].map((key) => key.split("/").at(-1))).size };
}

const kindsOf = ({ decisions }: Rollout): string[] => decisions.map(({ kind }) => kind).reverse();
const versionFor = async (
  rollouts: Rollouts,
  app: App,
  name: string,
  language: string,
): Promise<Set<string>> => {
  const set = await rollouts.of(app);
  const people = Array.from({ length: 500 }, (_, index) => `person-${index}`);
  const versions = people.map(
    (person) => choose(set, { name, person, segment: { language } })?.version ?? "",
  );
  return new Set(versions);
};

test("of 10,000 questions with two planted regressions, Spanish and the slow lane go back, and nothing else", async () => {
  const trial = await trialOf("planted", [FAST, SLOW, CLASSIFIER]);
  const { app, rollouts } = trial;
  const { changedMinds, people } = await run(trial, planted, 7);
  expect([changedMinds, people]).toEqual([0, 500]);

  const fast = await readRollout(app, FAST);
  expect(kindsOf(fast).sort()).toEqual(["segment-rolled-back", "started", "stepped"]);
  expect(fast.state).toMatchObject({ isRunning: true, percent: 50, rolledBack: null });
  expect(fast.state.withdrawn).toMatchObject([
    { segment: { language: "es" }, figures: [{ metric: "errors", language: "es", threshold: 2 }] },
  ]);
  const [figures] = fast.state.withdrawn[0]?.figures ?? [];
  expect(figures?.atLeast).toBeGreaterThan(2);
  expect(await versionFor(rollouts, app, FAST, "es")).toEqual(new Set(["v1"]));
  expect(await versionFor(rollouts, app, FAST, "en")).toEqual(new Set(["v1", "v2"]));

  const slow = await readRollout(app, SLOW);
  expect(kindsOf(slow)).toContain("rolled-back");
  expect(slow.state).toMatchObject({ isRunning: false });
  expect(slow.state.rolledBack?.figures.every(({ metric }) => /latency|first-token/.test(metric))).toBe(true);
  for (const language of ["es", "en"]) {
    expect(await versionFor(rollouts, app, SLOW, language)).toEqual(new Set(["v1"]));
  }

  expect(kindsOf(await readRollout(app, CLASSIFIER))).toEqual(["started", "stepped"]);
  const told = system.logs.filter((line) => line.event === "rollout.rolled-back" && line.app === "planted");
  expect(told).toHaveLength(2);
  expect(told).toContainEqual(expect.objectContaining({ rollout: FAST, language: "es" }));
  expect(told).toContainEqual(expect.objectContaining({ rollout: SLOW, language: null }));
  expect(told.every(({ severity, figures: why }) => severity === "WARNING" && Array.isArray(why))).toBe(true);
});

const worse = (name: string, times = 200): Outcome[] =>
  (["stable", "candidate"] as const).flatMap((arm) =>
    Array.from({ length: times }, (_, at) => ({
      name,
      trial: { number: 1, percent: 20, arm },
      language: "en",
      kind: "answered" as const,
      ok: arm === "stable" || at % 2 === 0,
      latencyMs: 500,
    })),
  );
const sum = (runs: readonly Judged[]): number =>
  runs.reduce((total, { rolledBack }) => total + rolledBack, 0);

test("of judges at once one decides, and a later one finds it decided", async () => {
  const trial = await trialOf("raced", [FAST]);
  await count(trial, worse(FAST));
  const runs = await Promise.all(Array.from({ length: 5 }, () => judgeRollouts(trial.deps)));
  expect(sum(runs)).toBe(1);
  expect(runs.every(({ failed }) => failed === 0)).toBe(true);
  expect((await judgeRollouts(trial.deps)).rolledBack).toBe(0);
  expect(kindsOf(await readRollout(trial.app, FAST))).toEqual(["started", "rolled-back"]);
});

test("a judge that is cut off before, after or within its commit decides once all the same", async () => {
  for (const kind of ["before", "after", "drop"] as const) {
    const trial = await trialOf(`cut-${kind}`, [FAST]);
    await count(trial, worse(FAST));
    system.fault({ service: "firestore", method: "Commit", kind, count: 1, code: "INTERNAL" });
    await judgeRollouts(trial.deps);
    system.clearFaults();
    await judgeRollouts(trial.deps);
    expect(kindsOf(await readRollout(trial.app, FAST))).toEqual(["started", "rolled-back"]);
  }
});

test("a rollout that can't be judged is told of and holds up no other", async () => {
  const trial = await trialOf("broken", [FAST, SLOW]);
  await count(trial, worse(SLOW));
  await trial.app.collection("rollouts").doc(FAST).update({ definition: null });
  const judged = await judgeRollouts(trial.deps);
  expect(judged).toMatchObject({ rolledBack: 1, failed: 1 });
  await trial.app.collection("rollouts").doc(FAST).update({ isRunning: false });
  expect(system.logs.some(({ severity, rollout }) => severity === "ERROR" && rollout === FAST)).toBe(true);
});

test("every page of rollouts is judged", async () => {
  const { app, deps } = await trialOf("paged", [FAST]);
  const stored = (await app.collection("rollouts").doc(FAST).get()).data() ?? {};
  const batch = deps.firestore.batch();
  const names = Array.from({ length: PAGE }, (_, index) => `other-${index}`);
  for (const name of names) batch.create(app.collection("rollouts").doc(name), { ...stored, name });
  await batch.commit();
  expect((await judgeRollouts(deps)).judged).toBeGreaterThan(PAGE);
});

test("a candidate that fails in the shadow is run no more, and nobody has had it", async () => {
  const trial = await trialOf("shadow", [FAST], { mode: "shadow", steps: [] });
  const { app, deps, rollouts } = trial;
  const ask = async () =>
    choose(await rollouts.of(app), { name: FAST, person: "ada", segment: { language: "en" } });
  const choice = await ask();
  expect(choice).toMatchObject({ version: "v1", shadow: "v2", trial: { percent: 100, arm: "stable" } });
  const { trial: counted } = choice ?? {};
  if (counted === undefined) throw new Error("The shadow is on trial.");
  const answer = { name: FAST, language: "en", kind: "answered", latencyMs: 500 } as const;
  const answered = Array.from({ length: 100 }, (_, question): Outcome[] => [
    { ...answer, trial: counted, ok: true },
    { ...answer, trial: { ...counted, arm: "candidate" }, ok: question % 2 === 0, shadowDiffers: true },
  ]);
  await count(trial, answered.flat());
  await judgeRollouts(deps);
  await rollouts.confirm(app);
  expect(await ask()).toEqual({ version: "v1", reason: "rolled back" });
});

test("a step is taken when its time has come, and what is worse goes back instead", async () => {
  const from = new Date(BEGIN + HOUR).toISOString();
  const trial = await trialOf("stepped", [FAST, SLOW], { steps: [{ from, percent: 5 }] });
  await count(trial, worse(SLOW));
  const percents = async () =>
    Promise.all([FAST, SLOW].map(async (name) => (await readRollout(trial.app, name)).state.percent));
  expect(await percents()).toEqual([0, 0]);
  trial.advance(HOUR);
  expect(await judgeRollouts(trial.deps)).toMatchObject({ rolledBack: 1, stepped: 1, failed: 0 });
  expect(await percents()).toEqual([5, 0]);
  expect(kindsOf(await readRollout(trial.app, SLOW))).toEqual(["started", "rolled-back"]);
});

test("what was rolled back stays so through other changes, and another attempt begins anew", async () => {
  const trial = await trialOf("again", [FAST]);
  const { app, deps } = trial;
  await count(trial, worse(FAST));
  await judgeRollouts(deps);
  const { definition } = await readRollout(app, FAST);
  const put = async (change: object) =>
    (
      await changeRollout(deps, app, admin, {
        name: FAST,
        definition: RolloutDefinition.parse({ ...definition, ...change }),
        expected: undefined,
      })
    ).rollout;
  const steps = [{ from: new Date(BEGIN).toISOString(), percent: 10 }];
  const changed = await put({ steps });
  expect(changed.state).toMatchObject({ trial: 1, isRunning: false });
  expect(changed.state.rolledBack).not.toBeNull();
  const anew = await put({ steps, attempt: 2 });
  expect(anew.state).toMatchObject({ trial: 2, isRunning: true, percent: 10, rolledBack: null });
  expect((await judgeRollouts(deps)).rolledBack).toBe(0);
  expect(kindsOf(anew)).toEqual(["started", "rolled-back", "changed", "started"]);
});

test("judging costs a query, a read for each rollout and each shard of its outcomes, and 2 writes to decide", async () => {
  const others = await system.deps.firestore.collectionGroup("rollouts").get();
  await Promise.all(others.docs.map((document) => document.ref.update({ isRunning: false })));
  const trial = await trialOf("metered", [FAST]);
  const judged = async () => (await system.meterRequest(() => judgeRollouts(trial.deps))).billed;
  for (let shard = 0; shard < 3; shard += 1) await count(trial, worse(FAST, 10), shard);
  expect(await judged()).toEqual({ reads: 1 + 3, writes: 0, deletes: 0 });
  await count(trial, worse(FAST, OUTCOMES_PER_DOCUMENT_MAX), 0);
  // Twice as many as a document takes at once are in one more.
  expect(await judged()).toEqual({ reads: 1 + 3 + 1, writes: 2, deletes: 0 });
});
