import { authEmulator } from "./auth/emulator.ts";
import type { AnyEmulator, ApiOf, Opening, Served } from "./emulator.ts";
import { firestoreEmulator } from "./firestore/emulator.ts";
import type { IndexFile } from "./firestore/index-file.ts";
import { type DataFolder, openDataFolder } from "./kernel/data-folder.ts";
import { serveGrpc } from "./kernel/grpc.ts";
import { createKernel, type Kernel } from "./kernel/kernel.ts";
import { type HttpPort, openHttpPort } from "./kernel/http-port.ts";
import { requireFreePorts } from "./kernel/ports.ts";
import { kmsEmulator } from "./kms/emulator.ts";
import { mailEmulator } from "./mail/emulator.ts";
import { modelEmulator } from "./model/emulator.ts";
import { oidcEmulator } from "./oidc/emulator.ts";
import { anyPorts, type PortName, type Ports } from "./ports.ts";
import { pubsubEmulator } from "./pubsub/emulator.ts";
import { pushEmulator } from "./push/emulator.ts";
import { schedulerEmulator } from "./scheduler/emulator.ts";
import { storageEmulator } from "./storage/emulator.ts";
import { tasksEmulator } from "./tasks/emulator.ts";
import { traceEmulator } from "./trace/emulator.ts";

/**
 * All emulators, in the order in which they open. They close in the reverse order: emulators that deliver
 * work close before those that the receivers of this work write to.
 */
export const EMULATORS = [
  authEmulator,
  oidcEmulator,
  kmsEmulator,
  pushEmulator,
  traceEmulator,
  modelEmulator,
  firestoreEmulator,
  mailEmulator,
  tasksEmulator,
  pubsubEmulator,
  storageEmulator,
  schedulerEmulator,
] as const;

type Known = (typeof EMULATORS)[number];
export type ServiceName = Known["name"];
type Apis = { readonly [Name in ServiceName]: ApiOf<Extract<Known, { readonly name: Name }>> };

interface SuiteCore {
  readonly kernel: Kernel;
  readonly project: string;
  /** The ports that are open; 0 where nothing of the suite listens. */
  readonly ports: Ports;
  readonly folder: DataFolder;
  /** The variables that point clients and verifiers of tokens at the started emulators. */
  readonly env: Readonly<Record<string, string>>;
  /** Ends deliveries, then the ports, then puts everything on disk. */
  stop(): Promise<void>;
}

export type Suite<Names extends ServiceName = ServiceName> = SuiteCore & Pick<Apis, Names>;

export interface SuiteOptions<Names extends ServiceName> {
  readonly project: string;
  /** Absent: free ports, chosen by the system. */
  readonly ports?: Ports | undefined;
  /** Undefined: everything stays in memory and ends with the process. */
  readonly dataDir: string | undefined;
  /** Whether to delete the data of earlier starts. */
  readonly fresh?: boolean | undefined;
  /** Further files and folders that the caller keeps in the data folder; `fresh` removes them too. */
  readonly files?: readonly string[] | undefined;
  /** Absent: all. An emulator that one of these needs is started with it. */
  readonly only?: readonly Names[] | undefined;
  /** firestore.indexes.json, parsed: queries that lack an index are then refused as in production. */
  readonly indexes?: IndexFile | undefined;
  /**
   * Awaited before each delivery that presents an identity: as in the cloud, work that arrives while no
   * instance is up waits for one instead of failing.
   */
  readonly beforeDelivery?: (() => Promise<void>) | undefined;
  /** Whether latencies, contention, back-off and doubled deliveries are as in the cloud. Default false. */
  readonly physics?: boolean | undefined;
}

/** Opens and serves the emulators in this process; when it rejects, nothing is left open. */
export async function startSuite<Names extends ServiceName = ServiceName>(
  options: SuiteOptions<Names>,
): Promise<Suite<Names>> {
  const { project, ports = anyPorts() } = options;
  const emulators = withNeeds(options.only ?? EMULATORS.map(({ name }) => name));
  await requireFreePorts(ports, portsOf(emulators));
  const undo: (() => unknown)[] = [];
  const stop = async (): Promise<void> => {
    for (const end of undo.splice(0).reverse()) await end();
  };
  try {
    const files = [...EMULATORS.flatMap((emulator) => emulator.files), ...(options.files ?? [])];
    const folder = openDataFolder(options.dataDir, { files, fresh: options.fresh });
    undo.push(() => folder.release());
    const kernel = createKernel();
    if (options.physics === true) kernel.physics.turnOn();
    undo.push(() => kernel.clock.stop());
    const { apis, bound, env } = await openAll(emulators, { kernel, options, ports, folder, undo });
    const core: SuiteCore = { kernel, project, ports: bound, folder, env, stop };
    return { ...core, ...apis } as Suite<Names>;
  } catch (cause) {
    await stop();
    throw cause;
  }
}

/** The named emulators and those that they need, in the order of opening. */
function withNeeds(names: readonly ServiceName[]): readonly AnyEmulator[] {
  const wanted = new Set<string>(names);
  for (const emulator of [...EMULATORS].reverse() as AnyEmulator[]) {
    if (!wanted.has(emulator.name)) continue;
    for (const need of Object.values((emulator.needs ?? {}) as Record<string, AnyEmulator>))
      wanted.add(need.name);
  }
  return EMULATORS.filter(({ name }) => wanted.has(name));
}

const portsOf = (emulators: readonly AnyEmulator[]): readonly PortName[] => [
  ...new Set(emulators.flatMap(({ port }) => (port === undefined ? [] : [port as PortName]))),
];

interface OpenParts {
  readonly kernel: Kernel;
  readonly options: Pick<SuiteOptions<ServiceName>, "project" | "indexes" | "beforeDelivery">;
  readonly ports: Ports;
  readonly folder: DataFolder;
  /** What has been opened so far, to be closed in reverse order. */
  readonly undo: (() => unknown)[];
}

interface OpenedAll {
  readonly apis: Readonly<Record<string, unknown>>;
  readonly bound: Ports;
  readonly env: Readonly<Record<string, string>>;
}

async function openAll(emulators: readonly AnyEmulator[], parts: OpenParts): Promise<OpenedAll> {
  const { kernel, options, folder, undo } = parts;
  const { project, indexes } = options;
  const server = createPorts(parts);
  const beforeDelivery = async (): Promise<void> => options.beforeDelivery?.();
  const prepared = await Promise.all(
    emulators.map(async (emulator): Promise<unknown> => emulator.prepare?.({ project, folder })),
  );
  const apis: Record<string, unknown> = {};
  let env: Record<string, string> = {
    GOOGLE_CLOUD_PROJECT: project,
    // Without it, Google's clients look for a metadata server that is not there.
    METADATA_SERVER_DETECTION: "none",
  };
  for (const [index, emulator] of emulators.entries()) {
    const port = emulator.port as PortName | undefined;
    const opening: Opening = {
      project,
      folder,
      indexes,
      beforeDelivery,
      takePort: () => server.takeHttp(requirePort(emulator.name, port)),
    };
    const { api, served, close } = await emulator.open(kernel, opening, apis, prepared[index]);
    if (close !== undefined) undo.push(close);
    if (served !== undefined) await server.serve(requirePort(emulator.name, port), served);
    apis[emulator.name] = api;
    const address = port === undefined ? "" : `127.0.0.1:${server.bound[port]}`;
    env = { ...env, ...emulator.env(address, api) };
  }
  return { apis, bound: server.bound, env };
}

function requirePort(emulator: string, port: PortName | undefined): PortName {
  if (port === undefined) throw new Error(`The emulator ${emulator} serves something and names no port.`);
  return port;
}

/** The suite's ports, each opened with the first emulator that serves something on it. */
function createPorts({ kernel, ports, undo }: OpenParts) {
  const bound = { ...anyPorts() } as Record<PortName, number>;
  const httpPorts = new Map<PortName, HttpPort>();
  const openHttp = async (name: PortName): Promise<HttpPort> => {
    const known = httpPorts.get(name);
    if (known !== undefined) return known;
    const opened = await openHttpPort(ports[name]);
    undo.push(() => opened.close());
    httpPorts.set(name, opened);
    bound[name] = opened.port;
    return opened;
  };
  return {
    bound,
    takeHttp: async (name: PortName): Promise<number> => (await openHttp(name)).port,
    async serve(name: PortName, served: Served): Promise<void> {
      if ("listen" in served) bound[name] = await served.listen(ports[name]);
      else if ("listener" in served) (await openHttp(name)).add(served);
      else {
        const grpc = await serveGrpc(kernel, ports[name], served.grpc, served.http);
        undo.push(() => grpc.stop());
        bound[name] = grpc.port;
      }
    },
  };
}
