import { afterAll, beforeAll, expect, test } from "vitest";
import type { HostProcess } from "../../../emulators/local/function-host/host-process.ts";
import { type ApiClient, createApiClient } from "../../../shared/testing/api-client.ts";
import { asks, watchEnding } from "../../../shared/testing/refusals.ts";
import { startProcess } from "../../../shared/testing/start-process.ts";
import { useSystem } from "../../../shared/testing/use-system.ts";

/** Real processes that share nothing but Firestore. The full figures are those of bench/identity.ts. */
const PROCESSES = 3;
const REVOKED_MS_MAX = 2_000;
const me = "/v1/apps/demo/me";

let hosts: HostProcess[];

const system = useSystem();
beforeAll(async () => {
  hosts = await Promise.all(Array.from({ length: PROCESSES }, () => startProcess(system)));
}, 90_000);
afterAll(async () => {
  await Promise.all(hosts.map((host) => host.stop(5_000)));
});

const clientsWith = (token: string): ApiClient[] =>
  hosts.map(({ port }) =>
    createApiClient(`http://127.0.0.1:${port}/api`, { authorization: `Bearer ${token}` }),
  );

async function pairOf(ended: string, honest: string) {
  const mine = clientsWith(ended);
  const theirs = clientsWith(honest);
  await Promise.all([...mine, ...theirs].map((client) => client.get(me)));
  return mine.map((client, index) => ({
    ended: asks(client, me),
    honest: asks(theirs[index] ?? client, me),
  }));
}

test("a revoked session is refused by every process within two seconds, and nobody else is", async () => {
  const [eve, ada] = [await system.signIn("eve@example.test"), await system.signIn("ada@example.test")];
  const ending = await watchEnding(await pairOf(eve.session.accessToken, ada.session.accessToken), () =>
    system.operator.post("/v1/operator/revocations", { scope: "session", id: eve.session.sessionId }),
  );
  expect(ending.lastAcceptedMs).toBeLessThan(REVOKED_MS_MAX);
  expect([ending.honestRefused, ending.accepted > 0]).toEqual([0, true]);
});

test("a leaked key is refused by every process within two seconds; whoever refreshes goes on", async () => {
  const ada = await system.signIn("drill@example.test");
  const clients = clientsWith(ada.session.accessToken);
  await Promise.all(clients.map((client) => client.get(me)));
  let { accessToken, refreshToken } = ada.session;
  /** As an app does: on 401 refresh once, then ask again. */
  const honest = (client: number) => async (): Promise<number> => {
    const first = await clientsWith(accessToken)[client]?.get(me);
    if (first?.status !== 401) return first?.status ?? 0;
    const renewed = await clientsWith("")[client]?.post("/v1/apps/demo/auth/refresh", { refreshToken });
    if (renewed?.status !== 200) return renewed?.status ?? 0;
    ({ accessToken, refreshToken } = renewed.body);
    return (await clientsWith(accessToken)[client]?.get(me))?.status ?? 0;
  };
  // The person has one set of tokens, so one process at a time serves them.
  const instances = clients.map((client, index) => ({
    ended: asks(client, me),
    honest: index === 0 ? honest(0) : undefined,
  }));
  const ending = await watchEnding(instances, () =>
    system.operator.post("/v1/operator/keys/rotations", { graceSeconds: 0 }),
  );
  expect([ending.honestRefused, ending.honest > 0]).toEqual([0, true]);
  expect(ending.lastAcceptedMs).toBeLessThan(REVOKED_MS_MAX);
  for (const client of clientsWith(accessToken)) expect((await client.get(me)).status).toBe(200);
});

test("a person's limit is exact over processes that are asked all at once", async () => {
  const { id } = await system.createApp("Limited");
  const ada = await system.signIn("ada@example.test", id);
  const clients = clientsWith(ada.session.accessToken);
  const path = `/v1/apps/${id}/chats?limit=0`;
  const statuses = await Promise.all(
    Array.from({ length: 300 }, async (_, index) => (await clients[index % PROCESSES]?.get(path))?.status),
  );
  const admitted = statuses.filter((status) => status === 400).length;
  expect(admitted).toBeLessThanOrEqual(100);
  expect(admitted).toBeGreaterThanOrEqual(90);
  expect(statuses.filter((status) => status === 429)).toHaveLength(300 - admitted);
});
