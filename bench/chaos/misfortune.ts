import type { HostProcess } from "../../emulators/local/function-host/host-process.ts";
import type { FaultKind } from "../../emulators/kernel/faults.ts";
import { type ApiClient, createApiClient } from "../../shared/testing/api-client.ts";
import { startProcess } from "../../shared/testing/start-process.ts";
import type { System } from "../../shared/testing/start-system.ts";

const FAULT_EVERY_MS = 120;
const KILL_EVERY_MS = 5_000;
const POISON_EVERY_MS = 3_000;
const PROCESSES = 2;

const CALLS: readonly (readonly [
  service: string,
  methods: readonly string[],
  kinds: readonly FaultKind[],
])[] = [
  [
    "firestore",
    ["Commit", "BatchGetDocuments", "RunQuery", "RunAggregationQuery"],
    ["before", "after", "drop", "slow", "twice"],
  ],
  ["pubsub", ["Publish"], ["before", "after", "drop", "slow"]],
  ["tasks", ["CreateTask"], ["before", "after", "drop", "slow"]],
  ["pubsub", ["Push"], ["before", "after", "twice", "slow"]],
  ["tasks", ["Dispatch"], ["before", "after", "twice", "slow"]],
  ["model", ["ChatCompletions"], ["before", "after", "drop", "slow"]],
];
/** A commit that is applied twice is one of two that a client has sent; Firestore itself does not. */
const isReal = (method: string, kind: FaultKind): boolean =>
  !(kind === "twice" && !/Push|Dispatch/.test(method));
const CODES = ["UNAVAILABLE", "ABORTED", "INTERNAL", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED"];

/** Payloads that no function takes. */
export const POISON: readonly unknown[] = [
  "no json",
  null,
  [],
  12,
  {},
  { app: "demo" },
  { app: "demo", chat: "1", revision: 1 },
  { app: "demo", chat: 0, revision: 1 },
  { app: "demo", chat: 1, revision: -1 },
  { app: ["demo"], chat: 1, revision: 1 },
];

export interface Misfortune {
  /** The API's instances that live: one here, and processes that come and go. */
  clients(): readonly ApiClient[];
  readonly counts: { faults: number; kills: number; poison: number };
  stop(): Promise<void>;
}

/** Faults of every call, kills and poison, until it is stopped. */
export async function beginMisfortune(system: System, random: () => number): Promise<Misfortune> {
  const counts = { faults: 0, kills: 0, poison: 0 };
  const authorization = `Bearer ${system.env.OPERATOR_KEY}`;
  const pick = <T>(all: readonly T[]): T => all[Math.floor(random() * all.length)] as T;
  const start = (): Promise<HostProcess> => startProcess(system);
  const hosts = await Promise.all(Array.from({ length: PROCESSES }, start));
  const clientOf = ({ port }: HostProcess): ApiClient =>
    createApiClient(`http://127.0.0.1:${port}/api`, { authorization });
  let clients = hosts.map(clientOf);

  const fail = (): void => {
    const [service, methods, kinds] = pick(CALLS);
    const [method, kind] = [pick(methods), pick(kinds)];
    if (!isReal(method, kind)) return;
    const code = pick(CODES);
    // The model is one for all projects, and its calls name none.
    const match = service === "model" ? { match: "" } : {};
    system.fault({ service, method, kind, code, ms: 300, count: 1 + Math.floor(random() * 2), ...match });
    counts.faults += 1;
  };

  const kill = async (): Promise<void> => {
    const index = Math.floor(random() * hosts.length);
    const host = hosts[index];
    if (host === undefined) return;
    process.kill(host.pid, "SIGKILL");
    counts.kills += 1;
    await host.ended;
    hosts[index] = await start();
    clients = hosts.map(clientOf);
  };

  const poison = async (): Promise<void> => {
    const payload = POISON[counts.poison % POISON.length];
    counts.poison += 1;
    const event = payload as object;
    for (let tries = 0; tries < 20; tries += 1) {
      try {
        await system.deps.publisher.publish("chat-changes", event);
        return;
      } catch {
        // It is sent for as long as Pub/Sub fails, too.
      }
    }
  };

  const timers = [setInterval(fail, FAULT_EVERY_MS)];
  const over = new AbortController();
  const every = async (ms: number, work: () => Promise<void>): Promise<void> => {
    while (!over.signal.aborted) {
      await new Promise((resolve) => setTimeout(resolve, ms));
      if (!over.signal.aborted) await work();
    }
  };
  const loops = [every(KILL_EVERY_MS, kill), every(POISON_EVERY_MS, poison)];
  return {
    clients: () => [system.operator, ...clients],
    counts,
    async stop() {
      over.abort();
      for (const timer of timers) clearInterval(timer);
      system.suite.kernel.faults.clear();
      await Promise.all(loops);
      await Promise.all(hosts.map((host) => host.stop(5_000)));
    },
  };
}
