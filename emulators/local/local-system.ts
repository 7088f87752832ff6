import { join } from "node:path";
import { ROOT, readConfig } from "./command-line.ts";
import { createControl } from "./control/server.ts";
import { DEMO_APP, ensureDemoApp } from "./demo-app.ts";
import { functionsEnv } from "./functions-env.ts";
import { type Keepsakes, KEEPSAKES_FILE, openKeepsakes } from "./keepsakes.ts";
import type { IndexFile } from "../firestore/server.ts";
import { CLOUD_INSTANCES_MAX, startCloudRun } from "./function-host/cloud-run.ts";
import { createLogBook, type LogBook, type LogEntry } from "./function-host/log-book.ts";
import { type FunctionPool, startFunctions } from "./function-host/pool.ts";
import { readHostingRules } from "./hosting/rewrites.ts";
import { createHosting } from "./hosting/server.ts";
import { serveLoopback } from "../kernel/loopback.ts";
import { parseManifest } from "./manifest.ts";
import { freePort, requireFreePorts } from "../kernel/ports.ts";
import type { Ports } from "./ports.ts";
import { provision } from "./provision.ts";
import { PAGE_MODULES, PAGE_PACKAGES } from "../../scripts/page-packages.ts";
import { type Suite, startSuite } from "../suite.ts";

export interface LocalSystemOptions {
  readonly project: string;
  readonly ports: Ports;
  /** Undefined: everything stays in memory. */
  readonly dataDir: string | undefined;
  readonly fresh: boolean;
  readonly instances: number;
  /** Whether the emulators and the functions' host behave as the cloud does. Default false. */
  readonly cloud?: boolean | undefined;
  /** Variables that name other models than the emulated ones. */
  readonly models?: Readonly<Record<string, string>> | undefined;
  readonly output: Output;
}

/** Receives what the functions print. */
export interface Output {
  text(text: string, stream: "stdout" | "stderr"): void;
  log(entry: LogEntry): void;
}

export interface LocalSystem {
  readonly suite: Suite;
  readonly keepsakes: Keepsakes;
  /** All ports that are open, the suite's included. */
  readonly ports: Ports;
  /** Ends what people see, drains the functions, flushes the emulators: in that order. */
  stop(): Promise<void>;
}

/** What the functions' processes have compiled, kept so that they start faster. */
const COMPILE_CACHE = "compile-cache";

/** How long requests under way may take once the system is to stop. */
const STOP_GRACE_MS = 12_000;

/** Starts all that `npm start` runs: the functions in processes of their own, the rest in this one. */
export async function startLocalSystem(options: LocalSystemOptions): Promise<LocalSystem> {
  const { project } = options;
  const manifest = parseManifest(readConfig("functions/manifest.json"));
  await requireFreePorts(options.ports, ["hosting", "ui", "functions"]);
  const firstUp = Promise.withResolvers<void>();
  const suite = await startSuite({
    ...options,
    physics: options.cloud,
    files: [KEEPSAKES_FILE, COMPILE_CACHE],
    indexes: readConfig("firestore.indexes.json") as IndexFile,
    beforeDelivery: () => pools?.background.up() ?? firstUp.promise,
  });
  let site: Site | undefined;
  let pools: Pools | undefined;
  const stop = async (): Promise<void> => {
    firstUp.resolve();
    const closing = site?.close(STOP_GRACE_MS);
    await Promise.all(poolsOf(pools).map((pool) => pool.stop()));
    await closing;
    await suite.stop();
  };
  try {
    const logs = createLogBook(suite.kernel.clock.now);
    const functionsPort = options.ports.functions === 0 ? await freePort() : options.ports.functions;
    const keepsakes = openKeepsakes(suite.folder.file(KEEPSAKES_FILE));
    site = await serveSite(options.ports, { suite, keepsakes, logs, functionsPort, pools: () => pools });
    const functionsUrl = `http://127.0.0.1:${functionsPort}`;
    const publicUrl = `http://127.0.0.1:${site.ports.hosting}`;
    await provision(suite, manifest, { project, functionsUrl });
    const where = { region: manifest.region, functionsUrl, publicUrl };
    const env = functionsEnv(suite, keepsakes, where, options.models);
    pools = await startPools(options, logs, functionsPort, hostEnv(env, suite.folder.file(COMPILE_CACHE)));
    firstUp.resolve();
    const token = await ensureDemoApp(publicUrl, keepsakes.operatorKey);
    if (token !== undefined) keepsakes.keepAppToken(project, DEMO_APP, token);
    return { suite, keepsakes, ports: site.ports, stop };
  } catch (cause) {
    await stop();
    throw cause;
  }
}

const FUNCTIONS = {
  entry: join(ROOT, "functions/index.ts"),
  manifestPath: join(ROOT, "functions/manifest.json"),
};

/**
 * As in the cloud, where each function has instances of its own, people do not wait for work in the
 * background: one pool answers what comes through hosting, the other takes the deliveries.
 */
interface Pools {
  readonly api: FunctionPool;
  readonly background: FunctionPool;
}

/** In cloud mode one front is both. */
const poolsOf = (pools: Pools | undefined): readonly FunctionPool[] =>
  pools === undefined ? [] : [...new Set([pools.api, pools.background])];

/** In cloud mode these have instances of their own; a process for each of the others would be too much. */
const ALONE = ["api", "live", "on-chat-changed"];
/** In cloud mode, each of those has at least so many instances. */
const CLOUD_INSTANCES_MIN = 3;

async function startPools(
  { instances, cloud, output }: Pick<LocalSystemOptions, "instances" | "cloud" | "output">,
  logs: LogBook,
  functionsPort: number,
  env: NodeJS.ProcessEnv,
): Promise<Pools> {
  const common = { ...FUNCTIONS, env, logs, onText: output.text, onLog: output.log };
  if (cloud === true) {
    const least = Math.max(instances, CLOUD_INSTANCES_MIN);
    const label = "The functions";
    const all = await startCloudRun({
      ...common,
      label,
      instances: least,
      instancesMax: Math.max(least, CLOUD_INSTANCES_MAX),
      alone: ALONE,
      port: functionsPort,
    });
    return { api: all, background: all };
  }
  const [api, background] = await Promise.allSettled([
    startFunctions({ ...common, label: "The API's host", instances, port: 0 }),
    startFunctions({ ...common, label: "The background's host", instances: 1, port: functionsPort }),
  ]);
  if (api.status === "fulfilled" && background.status === "fulfilled") {
    return { api: api.value, background: background.value };
  }
  for (const pool of [api, background]) if (pool.status === "fulfilled") await pool.value.stop();
  throw api.status === "rejected" ? api.reason : (background as PromiseRejectedResult).reason;
}

/**
 * The functions run as in production; what they compile is kept, so that they start faster next time. All
 * requests are recorded for a trace, since there are few and each is looked at, unless the environment names
 * another share.
 */
function hostEnv(env: Record<string, string>, compileCache: string | undefined): NodeJS.ProcessEnv {
  return {
    TRACE_RATIO: "1",
    ...process.env,
    ...env,
    NODE_ENV: "production",
    ...(compileCache === undefined ? {} : { NODE_COMPILE_CACHE: compileCache }),
  };
}

interface Site {
  readonly ports: Ports;
  close(graceMs: number): Promise<void>;
}

interface SiteParts {
  readonly suite: Suite;
  readonly keepsakes: Keepsakes;
  readonly logs: LogBook;
  readonly functionsPort: number;
  /** Undefined while the functions are starting. */
  pools(): Pools | undefined;
}

/** Hosting with the page, and the console's port with the control API and the same site. */
async function serveSite(
  asked: Ports,
  { suite, keepsakes, logs, functionsPort, pools }: SiteParts,
): Promise<Site> {
  const rules = readHostingRules(readConfig("firebase.json"));
  const { functions } = parseManifest(readConfig("functions/manifest.json"));
  let ports: Ports = { ...suite.ports, hosting: 0, ui: 0, functions: functionsPort };
  const hosting = createHosting({
    rules,
    publicFolder: join(ROOT, rules.publicFolder),
    folders: [
      { path: "/client/", folder: join(ROOT, "shared/client") },
      { path: "/__/console/", folder: join(ROOT, "emulators/local/console") },
      ...[...PAGE_PACKAGES, ...PAGE_MODULES].map(({ path, folder }) => ({
        path,
        folder: join(ROOT, folder),
      })),
    ],
    packages: new Map(PAGE_MODULES.map(({ specifier, path, file }) => [specifier, path + file])),
    suiteModule: "/__/console/open-suite.js",
    timeoutMsOf: (name) => (functions[name]?.timeoutSeconds ?? 0) * 1000,
    functionsPort: () => pools()?.api.nextPort(),
    controlUrl: () => `http://127.0.0.1:${ports.ui}`,
    storageUrl: () => `http://127.0.0.1:${ports.storage}`,
  });
  const control = createControl({
    suite,
    logs,
    setFunctionsClock: async (offsetMs) => {
      await Promise.all(poolsOf(pools()).map((pool) => pool.setClock(offsetMs)));
    },
    pagePorts: () => [ports.hosting, ports.ui],
    info: () => ({
      api: `http://127.0.0.1:${ports.hosting}`,
      projectId: suite.project,
      operatorKey: keepsakes.operatorKey,
      app: { id: DEMO_APP, token: keepsakes.appToken(suite.project, DEMO_APP) },
      ports,
    }),
  });
  const page = await serveLoopback(asked.hosting, hosting.listener);
  const ui = await serveLoopback(asked.ui, (request, response) => {
    if (!control(request, response)) hosting.listener(request, response);
  });
  ports = { ...ports, hosting: page.port, ui: ui.port };
  return {
    ports,
    async close(graceMs) {
      await Promise.all([page.close(graceMs), ui.close(graceMs)]);
      hosting.close();
    },
  };
}
