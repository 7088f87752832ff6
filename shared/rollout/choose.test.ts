import { Timestamp } from "@google-cloud/firestore";
import { expect, test } from "vitest";
import { choose, placeOf, type Traits } from "./choose.ts";
import { RolloutDefinition } from "./contract.ts";
import { percentAt, type StoredRollout } from "./store.ts";

const base = { stable: "small-1", candidate: "small-2", mode: "canary", steps: [] as object[] };
const step = (percent: number, from = "2026-01-01T00:00:00Z") => ({ from, percent });

function rollout(percent: number, change: object = {}, state: Partial<StoredRollout> = {}): StoredRollout {
  const definition = RolloutDefinition.parse({ ...base, steps: [step(percent)], ...change });
  const at = Timestamp.fromMillis(0);
  return {
    name: "model-fast",
    revision: 1,
    definition,
    trial: 1,
    percent: percentAt(definition, Date.parse("2026-01-02T00:00:00Z")),
    isRunning: true,
    rolledBack: null,
    withdrawn: [],
    updatedAt: at,
    ...state,
  };
}
const people = Array.from({ length: 2_000 }, (_, index) => `person-${index}`);
const chosen = (stored: StoredRollout, person: string, segment: Traits = {}) =>
  choose(new Map([[stored.name, stored]]), { name: "model-fast", person, segment });
const candidates = (stored: StoredRollout): string[] =>
  people.filter((person) => chosen(stored, person)?.reason === "canary");

test("a raised share keeps those who have the candidate, and reaches about as many as it says", () => {
  const shares = [0, 1, 12.34, 50, 100];
  const groups = shares.map((percent) => candidates(rollout(percent)));
  for (const [at, group] of groups.entries()) {
    expect(group.length / people.length).toBeCloseTo((shares[at] ?? 0) / 100, 1);
    expect(groups[at + 1]?.filter((person) => group.includes(person)) ?? group).toEqual(group);
  }
  expect(groups[0]).toEqual([]);
  expect(groups.at(-1)).toEqual(people);
});

test("who is first in one trial or rollout is not in another", () => {
  const places = (name: string, trial: number) =>
    people.map((person) => placeOf({ name, trial }, person) < 1_000);
  const first = places("model-fast", 1);
  for (const other of [places("model-fast", 2), places("model-slow", 1)]) {
    const both = other.filter((isFirst, at) => isFirst && first[at]).length;
    expect(both / people.length).toBeLessThan(0.02);
  }
});

test("a candidate in the shadow answers nobody, and runs for the share that takes part", () => {
  const shadow = rollout(25, { mode: "shadow" });
  const choices = people.map((person) => chosen(shadow, person));
  expect(choices.every((choice) => choice?.version === "small-1")).toBe(true);
  const beside = choices.filter((choice) => choice?.shadow === "small-2");
  expect(beside.length / people.length).toBeCloseTo(0.25, 1);
  expect(beside.every((choice) => choice?.trial?.arm === "stable")).toBe(true);
  expect(
    choices
      .filter((choice) => choice?.shadow === undefined)
      .every(({ trial } = {} as never) => trial === undefined),
  ).toBe(true);
  expect(rollout(0, { mode: "shadow", steps: [] }).percent).toBe(100);
});

test("the first exception that fits counts, and takes its people out of the trial", () => {
  const stored = rollout(100, {
    exceptions: [
      { segment: { language: "es", role: "admin" }, version: "small-2" },
      { segment: { language: "es" }, version: "small-1" },
    ],
  });
  const at = (segment: Traits) => chosen(stored, "ada", segment);
  expect(at({ language: "es", role: "member" })).toEqual({ version: "small-1", reason: "exception" });
  expect(at({ language: "es", role: "admin" })).toEqual({ version: "small-2", reason: "exception" });
  expect(at({ language: "de", role: "admin" })).toMatchObject({ version: "small-2", reason: "canary" });
});

test("what was rolled back stays stable for all, or for its segment, whatever an exception says", () => {
  const back = { at: Timestamp.fromMillis(0), figures: [] };
  const exceptions = [{ segment: { role: "owner" }, version: "small-2" }];
  const whole = rollout(100, { exceptions }, { rolledBack: back });
  expect(chosen(whole, "ada")).toEqual({ version: "small-1", reason: "rolled back" });
  expect(chosen(whole, "ada", { role: "owner" })).toEqual({ version: "small-1", reason: "rolled back" });
  const inSpanish = rollout(100, {}, { withdrawn: [{ ...back, language: "es" }] });
  expect(chosen(inSpanish, "ada", { language: "es" })).toEqual({ version: "small-1", reason: "rolled back" });
  expect(chosen(inSpanish, "ada", { language: "fr" })).toMatchObject({ reason: "canary" });
});

test("whose language is not known can go back by themselves", () => {
  const stored = rollout(
    100,
    {},
    { withdrawn: [{ at: Timestamp.fromMillis(0), figures: [], language: "und" }] },
  );
  for (const segment of [{}, { language: "not a language" }]) {
    expect(chosen(stored, "ada", segment)).toEqual({ version: "small-1", reason: "rolled back" });
  }
  expect(chosen(stored, "ada", { language: "en" })).toMatchObject({ reason: "canary" });
});

test("a rollout that is off has the stable version and compares nothing; one that is not has no say", () => {
  expect(chosen(rollout(100, { mode: "off" }), "ada")).toEqual({ version: "small-1", reason: "stable" });
  expect(chosen(rollout(0), "ada")).toEqual({ version: "small-1", reason: "stable" });
  expect(choose(new Map(), { name: "model-fast", person: "ada", segment: {} })).toBeUndefined();
});

test("the share is that of the last step whose time has come", () => {
  const steps = [
    step(5, "2026-01-01T00:00:00Z"),
    step(20, "2026-01-02T02:00:00+02:00"),
    step(10, "2026-01-03T00:00:00Z"),
  ];
  const definition = RolloutDefinition.parse({ ...base, steps });
  const at = (time: string) => percentAt(definition, Date.parse(time));
  expect(at("2025-12-31T23:59:59Z")).toBe(0);
  expect(at("2026-01-01T23:59:59Z")).toBe(5);
  expect(at("2026-01-02T00:00:00Z")).toBe(20);
  expect(at("2026-02-01T00:00:00Z")).toBe(10);
});
