import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { FAILURES } from "../shared/platform/errors.ts";
import { MODEL_FAILURES } from "../shared/platform/models/contract.ts";
import { functions } from "./functions.ts";
import manifest from "./manifest.json" with { type: "json" };

test("the manifest lists exactly the functions that there are", () => {
  expect(functions.map(({ name }) => name).sort()).toEqual(Object.keys(manifest.functions).sort());
  for (const { entry } of Object.values(manifest.functions)) expect(existsSync(entry)).toBe(true);
});

test("each entry exports its function under its name, as bundles import it", async () => {
  for (const [name, { entry }] of Object.entries(manifest.functions)) {
    const exported = (await import(`../${entry}`)) as Record<string, { name?: string } | undefined>;
    const camel = name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
    expect([name, exported[camel]?.name]).toEqual([name, name]);
  }
});

test("everything in the manifest refers to something in it", () => {
  const names = Object.keys(manifest.functions);
  const topics = Object.keys(manifest.topics);
  const subscriptions: readonly { topic: string; function?: string; deadLetterTopic?: string }[] =
    Object.values(manifest.subscriptions);
  for (const { topic, deadLetterTopic = topic, function: target = "api" } of subscriptions) {
    expect(topics).toContain(topic);
    expect(topics).toContain(deadLetterTopic);
    expect(names).toContain(target);
  }
  for (const { function: target } of [
    ...Object.values(manifest.queues),
    ...Object.values(manifest.schedules),
  ]) {
    expect(names).toContain(target);
  }
});

test("no topic loses its messages for want of a subscription", () => {
  const subscribed = new Set(Object.values(manifest.subscriptions).map(({ topic }) => topic));
  expect([...subscribed].sort()).toEqual(Object.keys(manifest.topics).sort());
});

test("docs/failures.md explains every failure code with its status, and no other", () => {
  const rows = [...readFileSync("docs/failures.md", "utf8").matchAll(/^\| (\w+) \| (\d+) \|/gm)];
  expect(Object.fromEntries(rows.map(([, code, status]) => [code, Number(status)]))).toEqual(
    Object.fromEntries(Object.entries(FAILURES).map(([code, { status }]) => [code, status])),
  );
});

test("docs/failures.md tells of every failure of models whose it is, and of no other", () => {
  const rows = readFileSync("docs/failures.md", "utf8").matchAll(
    /^\| (\w+) \| (asker|operator|provider) \|/gm,
  );
  expect(Object.fromEntries([...rows].map(([, kind, owner]) => [kind, owner]))).toEqual(MODEL_FAILURES);
});
