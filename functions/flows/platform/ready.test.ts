import { afterAll, expect, test } from "vitest";
import type { Instance } from "../../../shared/testing/start-system.ts";
import { useSystem } from "../../../shared/testing/use-system.ts";
import { CHECK_MS_MAX } from "../../http/system/get-ready.ts";

const system = useSystem();
afterAll(() => system.suite.model.reset());

/** Each case asks an instance of its own, as one remembers what it found. */
async function readyOf(instance: Instance): Promise<{ status: number; body: Record<string, unknown> }> {
  await using each = instance;
  const response = await fetch(`${each.url}/readyz`);
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

test("says of each dependency whether it answers", async () => {
  expect(await readyOf(await system.anotherInstance())).toMatchObject({
    status: 200,
    body: {
      status: "ok",
      checks: {
        firestore: { status: "ok" },
        pubsub: { status: "ok" },
        tasks: { status: "ok" },
        storage: { status: "ok" },
        model: { status: "ok" },
      },
    },
  });
});

test.each([
  ["pubsub", "GetTopic", "before"],
  ["tasks", "GetQueue", "before"],
  ["firestore", "BatchGetDocuments", "hang"],
] as const)("names %s when it fails or hangs, within the limit", async (service, method, kind) => {
  const instance = await system.anotherInstance();
  system.fault({ service, method, kind, code: "PERMISSION_DENIED", count: 50 });
  const startedMs = performance.now();
  const { status, body } = await readyOf(instance);
  system.clearFaults();
  expect([status, body.status]).toEqual([503, "failed"]);
  expect(body.checks).toMatchObject({ [service]: { status: "failed" } });
  expect(performance.now() - startedMs).toBeLessThan(CHECK_MS_MAX + 2_000);
  expect(
    system.logs.some(({ event, dependency }) => event === "dependency.failed" && dependency === service),
  ).toBe(true);
});

test("a flood of questions is one question to each dependency", async () => {
  await using instance = await system.anotherInstance();
  const cost = await system.meter(() =>
    Promise.all(Array.from({ length: 50 }, async () => (await fetch(`${instance.url}/readyz`)).text())),
  );
  expect(cost.rpcs["pubsub.GetTopic"] ?? 0).toBeLessThanOrEqual(1);
  expect(cost.rpcs["tasks.GetQueue"] ?? 0).toBeLessThanOrEqual(1);
});
