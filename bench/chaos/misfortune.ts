import type { HostProcess } from "../../emulators/local/function-host/host-process.ts";
import type { FaultKind } from "../../emulators/kernel/faults.ts";
import { type ApiClient, createApiClient } from "../../shared/testing/api-client.ts";
import { startProcess } from "../../shared/testing/start-process.ts";
import type { System } from "../../shared/testing/start-system.ts";

const FAULT_EVERY_MS = 120;
const KILL_EVERY_MS = 5_000;
const POISON_EVERY_MS = 3_000;
const FREEZE_EVERY_MS = 1_000;
/** A frozen process has no processor for so long at most, while others go on. */
const FROZEN_MS_MAX = 3_000;
const SCALE_EVERY_MS = 2_500;
/** Processes of the API, as many come and go. */
const PROCESSES = { min: 1, first: 2, max: 4 };
/** As Cloud Run gives an instance from SIGTERM on. */
const STOP_GRACE_MS = 10_000;

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
  /** The API's instances that live: those of the system, and processes that come and go. */
  clients(): readonly ApiClient[];
  readonly counts: {
    faults: number;
    kills: number;
    poison: number;
    freezes: number;
    /** Processes that were begun, or told to end while they had work. */
    scalings: number;
  };
  stop(): Promise<void>;
}

/** Faults of every call, kills, freezing, scaling out and in, and poison, until it is stopped. */
export async function beginMisfortune(system: System, random: () => number): Promise<Misfortune> {
  const counts = { faults: 0, kills: 0, poison: 0, freezes: 0, scalings: 0 };
  const authorization = `Bearer ${system.env.OPERATOR_KEY}`;
  const pick = <T>(all: readonly T[]): T => all[Math.floor(random() * all.length)] as T;
  const start = (): Promise<HostProcess> => startProcess(system);
  const hosts = new Map<HostProcess, ApiClient>();
  const begin = async (): Promise<void> => {
    const host = await start();
    hosts.set(host, createApiClient(`http://127.0.0.1:${host.port}/api`, { authorization }));
  };
  await Promise.all(Array.from({ length: PROCESSES.first }, begin));
  const anyHost = (): HostProcess | undefined => (hosts.size === 0 ? undefined : pick([...hosts.keys()]));

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
    const host = anyHost();
    if (host === undefined) return;
    hosts.delete(host);
    process.kill(host.pid, "SIGKILL");
    counts.kills += 1;
    await host.ended;
    await begin();
  };

  /** In the middle of whatever it does: what it holds lapses, and others may have done its work. */
  const freeze = async (): Promise<void> => {
    const host = anyHost();
    if (host === undefined) return;
    host.freeze();
    counts.freezes += 1;
    await new Promise((resolve) => setTimeout(resolve, random() * FROZEN_MS_MAX));
    host.wake();
  };

  const scale = async (): Promise<void> => {
    const isOut = hosts.size <= PROCESSES.min || (hosts.size < PROCESSES.max && random() < 0.5);
    const host = anyHost();
    counts.scalings += 1;
    if (isOut || host === undefined) return begin();
    hosts.delete(host);
    await host.stop(STOP_GRACE_MS);
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
  const loops = [
    every(KILL_EVERY_MS, kill),
    every(POISON_EVERY_MS, poison),
    every(FREEZE_EVERY_MS, freeze),
    every(SCALE_EVERY_MS, scale),
  ];
  return {
    clients: () => [system.operator, ...hosts.values()],
    counts,
    async stop() {
      over.abort();
      for (const timer of timers) clearInterval(timer);
      system.suite.kernel.faults.clear();
      await Promise.all(loops);
      await Promise.all([...hosts.keys()].map((host) => host.stop(STOP_GRACE_MS)));
    },
  };
}
