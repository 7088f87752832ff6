import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { HostProcess } from "../../../emulators/local/function-host/host-process.ts";
import { createApiClient } from "../../../shared/testing/api-client.ts";
import { seededRandom } from "../../../shared/testing/seeded-random.ts";
import { startProcess } from "../../../shared/testing/start-process.ts";
import { usePeople, useSystem } from "../../../shared/testing/use-system.ts";

const SEED = 20_261_121;
const PROCESSES = 8;
const APPENDS = 200;
const STARTING_AT_ONCE = 4;
const TRIES_MAX = 12;

const hosts: HostProcess[] = [];

const system = useSystem();
const [ada] = usePeople(system, "ada@example.test");
beforeAll(async () => {
  for (let begun = 0; begun < PROCESSES; begun += STARTING_AT_ONCE) {
    hosts.push(...(await Promise.all(Array.from({ length: STARTING_AT_ONCE }, startOne))));
  }
}, 90_000);
afterAll(async () => {
  await Promise.all(hosts.map((host) => host.stop(5_000)));
});

const startOne = (): Promise<HostProcess> => startProcess(system);

test(`${APPENDS} appends from ${PROCESSES} processes, with repetitions and a killed process: every acknowledged message once, no gap (seed ${SEED})`, async () => {
  const random = seededRandom(SEED);
  const pick = (): number => Math.floor(random() * PROCESSES);
  const { body: chat } = await ada.api.post("/v1/apps/demo/chats", { kind: "group" });
  const path = `/v1/apps/demo/chats/${chat.number}/messages`;
  const authorization = `Bearer ${ada.session.accessToken}`;
  const clients = hosts.map(({ port }) => createApiClient(`http://127.0.0.1:${port}/api`, { authorization }));
  const acknowledged = new Map<string, Set<number>>();

  /**
   * Sends until it is acknowledged: again when it is told to, and elsewhere when a process is gone, as a
   * client behind a balancer would.
   */
  const append = async (text: string, first: number): Promise<void> => {
    for (let tries = 0; tries < TRIES_MAX; tries += 1) {
      const client = clients[(first + tries) % PROCESSES];
      const answer = await client
        ?.post(path, { text }, { "idempotency-key": `"${text}"` })
        .catch(() => undefined);
      if (answer?.status !== 201) {
        await setTimeout(Number(answer?.headers.get("retry-after") ?? 0) * 1_000 * Math.random());
        continue;
      }
      const numbers = acknowledged.get(text) ?? new Set();
      acknowledged.set(text, numbers.add(answer.body.number));
      return;
    }
    throw new Error(`"${text}" was never acknowledged.`);
  };

  const work: Promise<void>[] = [];
  for (let index = 0; index < APPENDS; index += 1) {
    const text = `message ${index}`;
    work.push(append(text, pick()));
    if (random() < 0.25) work.push(append(text, pick()));
    if (index === APPENDS / 2) process.kill(hosts[pick()]?.pid ?? 0, "SIGKILL");
    if (index % 10 === 9) await Promise.race(work);
  }
  await Promise.all(work);

  const stored: { number: number; text: string }[] = [];
  for (let before = Number.MAX_SAFE_INTEGER; before > 1; before = stored.at(-1)?.number ?? 0) {
    const { body } = await ada.api.get(`${path}?limit=100&before=${before}`);
    stored.push(...body.data);
    if (!body.hasMore) break;
  }
  stored.reverse();
  expect(stored.map(({ number }) => number)).toEqual(
    Array.from({ length: APPENDS }, (_, index) => index + 1),
  );
  expect(new Set(stored.map(({ text }) => text)).size).toBe(APPENDS);
  for (const { number, text } of stored) expect([...(acknowledged.get(text) ?? [])]).toEqual([number]);
}, 120_000);

test("a process that is asked to end finishes what it has begun", async () => {
  const { promise: until, resolve: release } = Promise.withResolvers<void>();
  const host = await startProcess(system, (line) => line.includes("The instance is draining.") && release());
  const client = createApiClient(`http://127.0.0.1:${host.port}/api`, {
    authorization: `Bearer ${ada.session.accessToken}`,
  });
  const { body: chat } = await ada.api.post("/v1/apps/demo/chats", { kind: "group" });
  const path = `/v1/apps/demo/chats/${chat.number}/messages`;
  // The next commit is that of the request.
  await system.settle();
  system.fault({ service: "firestore", method: "Commit", match: system.project, kind: "slow", until });
  system.suite.kernel.meter.clear(system.project);
  const posting = client.post(path, { text: "Still here" });
  // The commit has reached the database, so the request is under way.
  await expect
    .poll(() => system.suite.kernel.meter.read({ project: system.project }).rpcs["firestore.Commit"])
    .toBeGreaterThan(0);
  process.kill(host.pid, "SIGTERM");
  expect((await posting).status).toBe(201);
  expect(await host.ended).toBe("exit code 0");
}, 60_000);
