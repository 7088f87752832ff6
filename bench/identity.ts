import { parseArgs } from "node:util";
import { type HostProcess, startHost } from "../emulators/local/function-host/host-process.ts";
import { upkeepId } from "../shared/platform/upkeep.ts";
import { type ApiClient, createApiClient } from "../shared/testing/api-client.ts";
import { liftLimits } from "../shared/testing/lift-limits.ts";
import { asks, type Ending, watchEnding } from "../shared/testing/refusals.ts";
import { seededRandom } from "../shared/testing/seeded-random.ts";
import { type Person, type System, startSystem } from "../shared/testing/start-system.ts";

/**
 * `node bench/identity.ts [--rounds N] [--processes N]`: how fast rotation and revocation reach every process
 * under load, how exact a limit is over processes, what it costs in Firestore operations and in time.
 */

const SEED = 5;
const { values } = parseArgs({
  options: { rounds: { type: "string", default: "20" }, processes: { type: "string", default: "8" } },
});
const rounds = Number(values.rounds);
const processes = Number(values.processes);
const STARTING_AT_ONCE = 2;
const me = "/v1/apps/demo/me";

async function main(): Promise<void> {
  await using system = await startSystem();
  const hosts: HostProcess[] = [];
  try {
    while (hosts.length < processes) {
      const some = Math.min(STARTING_AT_ONCE, processes - hosts.length);
      hosts.push(...(await Promise.all(Array.from({ length: some }, () => start(system)))));
    }
    await benchEndings(system, hosts);
    await benchBurst(system, hosts);
    await benchAdversary(system, hosts);
    await benchLatency(system, hosts);
  } finally {
    await Promise.all(hosts.map((host) => host.stop(5_000)));
  }
}

const start = (system: System): Promise<HostProcess> =>
  startHost({
    entry: "functions/index.ts",
    manifestPath: "functions/manifest.json",
    port: 0,
    env: { ...process.env, ...system.env },
    clockOffsetMs: 0,
    onLine: () => undefined,
  });

const clientsOf = (hosts: readonly HostProcess[], token: string): ApiClient[] =>
  hosts.map(({ port }) =>
    createApiClient(`http://127.0.0.1:${port}/api`, { authorization: `Bearer ${token}` }),
  );

async function benchEndings(system: System, hosts: readonly HostProcess[]): Promise<void> {
  const honest = clientsOf(hosts, (await system.signIn("honest@bench.test")).session.accessToken);
  const endings: Ending[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const eve = await system.signIn(`eve-${round}@bench.test`);
    const clients = clientsOf(hosts, eve.session.accessToken);
    await Promise.all([...clients, ...honest].map((client) => client.get(me)));
    const instances = clients.map((client, index) => ({
      ended: asks(client, me),
      honest: asks(honest[index] ?? client, me),
    }));
    const wish = { scope: "session", id: eve.session.sessionId };
    endings.push(await watchEnding(instances, () => system.operator.post("/v1/operator/revocations", wish)));
  }
  report("revocation of a session", endings);
  const rotations: Ending[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const eve = await system.signIn(`old-${round}@bench.test`);
    const clients = clientsOf(hosts, eve.session.accessToken);
    await Promise.all(clients.map((client) => client.get(me)));
    const others = await Promise.all(
      hosts.map((_, index) => system.signIn(`fresh-${round}-${index}@bench.test`)),
    );
    const instances = clients.map((client, index) => ({
      ended: asks(client, me),
      honest: refreshing(system, hosts[index], others[index]),
    }));
    rotations.push(
      await watchEnding(instances, () =>
        system.operator.post("/v1/operator/keys/rotations", { graceSeconds: 0 }),
      ),
    );
  }
  report("rotation without grace", rotations);
}

/** A person who refreshes when a token is refused, as every client does; the reply after that counts. */
function refreshing(
  system: System,
  host: HostProcess | undefined,
  person: Person | undefined,
): (() => Promise<number>) | undefined {
  if (host === undefined || person === undefined) return undefined;
  let { accessToken, refreshToken } = person.session;
  return async () => {
    const ask = async (): Promise<number> => (await clientsOf([host], accessToken)[0]?.get(me))?.status ?? 0;
    const status = await ask();
    if (status !== 401) return status;
    const { body } = await system.client().post("/v1/apps/demo/auth/refresh", { refreshToken });
    ({ accessToken, refreshToken } = body);
    return ask();
  };
}

function report(name: string, endings: readonly Ending[]): void {
  const times = endings.map(({ lastAcceptedMs }) => lastAcceptedMs).sort((a, b) => a - b);
  const at = (q: number): string =>
    (times[Math.min(times.length - 1, Math.floor(q * times.length))] ?? 0).toFixed(0);
  const honest = endings.reduce((sum, ending) => sum + ending.honest, 0);
  const refused = endings.reduce((sum, ending) => sum + ending.honestRefused, 0);
  console.log(
    `${name}: last acceptance in ${processes} processes after p50 ${at(0.5)} ms, p99 ${at(0.99)} ms (${times.length} rounds); ` +
      `${refused} of ${honest} honest requests refused`,
  );
}

const operationsOf = (system: System): number => {
  const { billed } = system.suite.kernel.meter.read({ requestId: upkeepId(system.project) });
  return billed.reads + billed.writes;
};

async function limited(system: System, name: string): Promise<{ app: string; ada: Person }> {
  const { id: app } = await system.createApp(name);
  return { app, ada: await system.signIn(`ada@${app}.test`, app) };
}

/** One person, 1,000 requests at once. */
async function benchBurst(system: System, hosts: readonly HostProcess[]): Promise<void> {
  const { app, ada } = await limited(system, "Burst");
  const clients = clientsOf(hosts, ada.session.accessToken);
  const before = operationsOf(system);
  const statuses = await Promise.all(
    Array.from({ length: 1_000 }, async (_, index) => {
      const answer = await clients[index % clients.length]?.get(`/v1/apps/${app}/chats?limit=0`);
      return answer?.status;
    }),
  );
  const admitted = statuses.filter((status) => status === 400).length;
  const failed = statuses.filter((status) => status !== 400 && status !== 429).length;
  const cost = (operationsOf(system) - before) / statuses.length;
  console.log(
    `burst of 1000 at once: ${admitted} admitted, ${failed} failed, ${cost.toFixed(3)} operations a request`,
  );
}

/** A seeded adversary for three minutes, in windows of 60 s by the time at which answers came. */
async function benchAdversary(system: System, hosts: readonly HostProcess[]): Promise<void> {
  const { app, ada } = await limited(system, "Adversary");
  const clients = clientsOf(hosts, ada.session.accessToken);
  const random = seededRandom(SEED);
  const admittedMs: number[] = [];
  const underWay: Promise<void>[] = [];
  let requests = 0;
  const before = operationsOf(system);
  const ask = async (): Promise<void> => {
    requests += 1;
    const begunMs = performance.now();
    const answer = await clients[Math.floor(random() * clients.length)]?.get(`/v1/apps/${app}/chats?limit=0`);
    if (answer?.status === 400) admittedMs.push(begunMs);
  };
  const begunMs = performance.now();
  while (performance.now() - begunMs < ADVERSARY_MS) {
    const burst = random() < 0.1 ? Math.ceil(random() * 60) : 1;
    for (let sent = 0; sent < burst; sent += 1) underWay.push(ask());
    await new Promise((resolve) => setTimeout(resolve, random() * 400));
  }
  await Promise.all(underWay);
  admittedMs.sort((a, b) => a - b);
  let most = 0;
  for (let first = 0, last = 0; last < admittedMs.length; last += 1) {
    while ((admittedMs[last] ?? 0) - (admittedMs[first] ?? 0) >= 60_000) first += 1;
    most = Math.max(most, last - first + 1);
  }
  // A window that ends with the run has had its whole time; the burst at the beginning is extra.
  const perMinute = (admittedMs.length - 100) / ((ADVERSARY_MS - 60_000) / 60_000);
  const operations = operationsOf(system) - before;
  const upkeep = (await upkeepPerMs(system, hosts)) * ADVERSARY_MS;
  const cost = (operations - upkeep) / requests;
  console.log(
    `adversary: at most ${most} in any 60 s, ${perMinute.toFixed(0)} a minute after the first, ` +
      `${cost.toFixed(3)} operations a request (${requests} requests), besides ${upkeep.toFixed(0)} of upkeep`,
  );
}
const ADVERSARY_MS = 183_000;
const UPKEEP_MS = 20_500;

/** What busy instances spend on following keys and revocations, for each minute and not for each request. */
async function upkeepPerMs(system: System, hosts: readonly HostProcess[]): Promise<number> {
  const clients = clientsOf(hosts, (await system.signIn("upkeep@bench.test")).session.accessToken);
  await Promise.all(clients.map((client) => client.get(me)));
  const before = operationsOf(system);
  for (const begunMs = performance.now(); performance.now() - begunMs < UPKEEP_MS;) {
    await Promise.all(clients.map((client) => client.get("/v1/apps/demo/chats?limit=0")));
    await new Promise((resolve) => setTimeout(resolve, 400));
  }
  return (operationsOf(system) - before) / UPKEEP_MS;
}

/** The same request with and without a limit, in turns. */
async function benchLatency(system: System, hosts: readonly HostProcess[]): Promise<void> {
  const { app, ada } = await limited(system, "Latency");
  const [client] = clientsOf(hosts, ada.session.accessToken);
  if (client === undefined) return;
  const path = `/v1/apps/${app}/chats?limit=0`;
  const times = { limited: [] as number[], free: [] as number[] };
  const measure = async (into: number[]): Promise<void> => {
    for (let sent = 0; sent < 500; sent += 1) {
      const begunMs = performance.now();
      await client.get(path);
      into.push(performance.now() - begunMs);
    }
  };
  const settings = { limits: { personPerMinute: 100_000 } };
  for (const kind of ["free", "limited", "limited", "free"] as const) {
    if (kind === "free") await liftLimits(system.operator, app);
    else await system.operator.patch(`/v1/apps/${app}`, { settings });
    await client.get(path);
    await measure(times[kind]);
  }
  const median = (all: number[]): number => all.sort((a, b) => a - b)[all.length >> 1] ?? 0;
  const added = median(times.limited) - median(times.free);
  console.log(`limit: adds ${added.toFixed(3)} ms at the median to ${median(times.free).toFixed(3)} ms`);
}

await main();
process.exit(0);
