import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { backoffMs } from "../emulators/tasks/retry.ts";
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

/** Idle, an instance takes some 142 MB, and each request at a time its own; 256 MiB would be half full. */
const MEMORY_MIB_MIN = 512;

test("every function has room for what it does at a time", () => {
  for (const [name, { memoryMiB }] of Object.entries(manifest.functions)) {
    expect([name, memoryMiB >= MEMORY_MIB_MIN]).toEqual([name, true]);
  }
});

/** An outage of hours, of what a task needs or of what runs it, loses no task. */
const RETRY_SECONDS_MIN = 4 * 3600;

test.each(Object.entries(manifest.queues))(
  "%s retries for hours, by time and by attempts",
  (_name, queue) => {
    expect(queue.retrySeconds).toBeGreaterThanOrEqual(RETRY_SECONDS_MIN);
    const config = {
      attemptsMax: queue.maxAttempts,
      retryDurationMs: queue.retrySeconds * 1000,
      minBackoffMs: queue.minBackoffSeconds * 1000,
      maxBackoffMs: queue.maxBackoffSeconds * 1000,
      doublingsMax: queue.maxDoublings,
    };
    // A function buries a task at its last attempt, so the attempts alone have to last that long.
    const waits = Array.from({ length: queue.maxAttempts - 1 }, (_, index) => backoffMs(config, index + 1));
    const lastsMs = waits.reduce((sum, wait) => sum + wait, 0);
    expect(lastsMs).toBeGreaterThanOrEqual(config.retryDurationMs);
    // Neither bound is far beyond the other: what is never done is buried within the hour after that.
    expect(lastsMs).toBeLessThan(config.retryDurationMs + 3600_000);
  },
);

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
