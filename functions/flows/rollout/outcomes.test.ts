import { expect, test } from "vitest";
import { appHandle } from "../../../shared/identity/app.ts";
import {
  type Answered,
  addOutcomes,
  OUTCOME_SHARDS,
  OUTCOMES_PER_DOCUMENT_MAX,
  type Outcome,
  WINDOW_MS,
  WINDOWS_OPEN,
} from "../../../shared/rollout/outcome.ts";
import { stayAtOneInstance, useSystem } from "../../../shared/testing/use-system.ts";

const system = useSystem();

const begin = async (name: string): Promise<void> => {
  const definition = {
    stable: "small-1",
    candidate: "small-2",
    mode: "canary",
    steps: [{ from: "2026-01-01T00:00:00Z", percent: 50 }],
  };
  expect((await system.operator.put(`/v1/apps/demo/rollouts/${name}`, definition)).status).toBe(201);
};
const report = (name: string) => system.operator.get(`/v1/apps/demo/reports/rollout-${name}`);
const demo = () => appHandle(system.deps.firestore, "demo");

/** As the handler of a chat's changes does: with the commit that says that they are handled. */
async function count(
  outcomes: readonly Outcome[],
  nowMs = system.deps.clock.now(),
  shardKey = 1,
): Promise<void> {
  const batch = system.deps.firestore.batch();
  addOutcomes(batch, demo(), shardKey, { outcomes, nowMs });
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

test("the report compares the versions by language, and takes opinions back", async () => {
  await begin("reported");
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
  const { status, body } = await report("reported");
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

test("counting is a write, and a report reads each shard", async () => {
  stayAtOneInstance(system);
  await begin("counted");
  const billed = async (work: () => Promise<unknown>) => (await system.meterRequest(work)).billed;
  for (let shard = 0; shard < OUTCOME_SHARDS; shard += 1) {
    const own = await billed(() => count(answers("counted", "stable", 20), undefined, shard));
    expect(own).toEqual({ reads: 0, writes: 1, deletes: 0 });
  }
  expect(await billed(() => report("counted"))).toEqual({ reads: 2 + OUTCOME_SHARDS, writes: 0, deletes: 0 });
});

test("a commit takes any number of outcomes, however different, and so does a total", async () => {
  await begin("many");
  const now = system.deps.clock.now();
  const languages = Array.from({ length: 26 }, (_, letter) => `x${String.fromCharCode(97 + letter)}`);
  const all = languages.flatMap((language) =>
    Array.from({ length: 40 }, (_, time) =>
      answers("many", "stable", 1, { language, latencyMs: 2 ** (time / 4), firstTokenMs: 2 ** (time / 3) }),
    ).flat(),
  );
  expect(all.length).toBeGreaterThan(10 * OUTCOMES_PER_DOCUMENT_MAX);
  await count(all, now - WINDOWS_OPEN * WINDOW_MS - WINDOW_MS);
  const before = (await report("many")).body;
  expect([before.overall.stable.samples, before.segments.length]).toEqual([all.length, languages.length]);
  await system.runSchedule("judge-rollouts");
  expect((await report("many")).body).toEqual(before);
  const left = system.deps.firestore.collection("apps/demo/outcomes").where("trial", "==", "many.1");
  expect((await left.get()).empty).toBe(true);
});

test("windows that are over are folded into a total, and none is lost", async () => {
  await begin("folded");
  const now = system.deps.clock.now();
  await count(answers("folded", "stable", 7), now - WINDOWS_OPEN * WINDOW_MS - WINDOW_MS);
  await count(answers("folded", "stable", 3), now);
  const before = (await report("folded")).body;
  await Promise.all([system.runSchedule("judge-rollouts"), system.runSchedule("judge-rollouts")]);
  expect((await report("folded")).body).toEqual(before);
  const left = await system.deps.firestore
    .collection("apps/demo/outcomes")
    .where("trial", "==", "folded.1")
    .get();
  expect(left.size).toBe(1);
  // What is counted late into a window that is gone is folded by the next run.
  await count(answers("folded", "stable", 5), now - WINDOWS_OPEN * WINDOW_MS - WINDOW_MS);
  await system.runSchedule("judge-rollouts");
  expect((await report("folded")).body.overall.stable.samples).toBe(15);
});
