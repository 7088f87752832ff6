import type { Server } from "node:http";
import type { FaultPlan } from "../../emulators/kernel/faults.ts";
import type { Counts } from "../../emulators/kernel/meter.ts";
import {
  bucketName,
  functionsEnv,
  invokerEmail,
  signingKmsKey,
} from "../../emulators/local/functions-env.ts";
import { openKeepsakes } from "../../emulators/local/keepsakes.ts";
import { readManifest } from "../../emulators/local/manifest.ts";
import { provision } from "../../emulators/local/provision.ts";
import type { Suite } from "../../emulators/suite.ts";
import { backgroundFunctions } from "../../functions/functions.ts";
import { apiObservedBy } from "../../functions/http/api.ts";
import { liveObservedBy } from "../../functions/http/live.ts";
import type { CloudFunction } from "../../functions/runtime/function.ts";
import { createLifecycle } from "../../functions/runtime/lifecycle.ts";
import { registerFunctions } from "../../functions/runtime/register.ts";
import { type Config, parseConfig } from "../platform/config.ts";
import { closeDeps, type Deps, openDeps } from "../platform/deps.ts";
import { randomId } from "../platform/ids.ts";
import { createLog } from "../platform/log.ts";
import { upkeepId } from "../platform/upkeep.ts";
import { type ApiClient, createApiClient } from "./api-client.ts";
import { demandCleanLogs } from "./clean-logs.ts";
import { addressOf, dispatch, listen } from "./front.ts";
import { liftLimits } from "./lift-limits.ts";
import { createReplyCheck } from "./reply-check.ts";
import { suiteOfProcess } from "./suite-of-process.ts";

/** A whole Scrollback of its own: its project in the process's suite, its functions, its clients. */
export interface System extends AsyncDisposable {
  readonly project: string;
  /** Where the API answers. */
  readonly url: string;
  readonly functionsUrl: string;
  readonly suite: Suite;
  readonly deps: Deps;
  /** The variables of this system's functions, for running them in other processes. */
  readonly env: Readonly<Record<string, string>>;
  /** The structured log lines so far. */
  readonly logs: readonly Record<string, unknown>[];
  /** An API client with the operator's key. */
  readonly operator: ApiClient;
  /** An API client with these headers and no credentials. */
  client(headers?: Readonly<Record<string, string>>): ApiClient;
  /** Signs in by mailed code, as a person would; the app `demo` exists. */
  signIn(email: string, app?: string): Promise<Person>;
  /** Signs in somebody who has this role in the app `demo`, by default as `{role}@example.test`. */
  signInAs(role: string, email?: string): Promise<Person>;
  /** Creates an app and returns its id and API token. */
  createApp(name: string): Promise<{ id: string; token: string }>;
  /** What the work cost in this project, with all that it caused in the background. */
  meter(work: () => Promise<unknown>): Promise<Counts>;
  /** What the work cost by itself: deliveries to functions are held back until it has been counted. */
  meterRequest(work: () => Promise<unknown>): Promise<Counts>;
  /** Plans a fault in this project only. */
  fault(plan: FaultPlan): void;
  clearFaults(): void;
  /** Waits until every event and task that is due has been delivered. */
  settle(): Promise<void>;
  runSchedule(name: string): Promise<void>;
  /**
   * For a test of what one instance remembers, or of what a request costs where its instance does: until this
   * is disposed of, all requests go to the same instance.
   */
  oneInstance(): Disposable;
  /** A second instance of the API in this project, with a memory of its own; `env` replaces variables. */
  anotherInstance(env?: Readonly<Record<string, string>>): Promise<Instance>;
}

export interface Instance extends AsyncDisposable {
  readonly url: string;
  as(person: Person): ApiClient;
}

export interface Person {
  readonly id: string;
  readonly email: string;
  readonly api: ApiClient;
  readonly session: Record<string, unknown> & {
    accessToken: string;
    refreshToken: string;
    sessionId: string;
  };
}

/** How many events and tasks in a row one request may set off. */
const CAUSES_MAX = 3;

/** Schedules run when a test says so: by themselves only on the next 29th of February. */
const NEVER = "0 0 29 2 *";
/** The secrets of this process's systems. */
const keepsakes = openKeepsakes(undefined);

const deployed = readManifest("functions/manifest.json");
const manifest = {
  ...deployed,
  schedules: Object.fromEntries(
    Object.entries(deployed.schedules).map(([name, schedule]) => [name, { ...schedule, cron: NEVER }]),
  ),
};

export interface SystemOptions {
  /** Whether each request is recorded for a trace, which costs every test that does not look at it. */
  readonly traced?: boolean;
  /** Puts something around each function, to watch what it does. */
  readonly wrap?: (definition: CloudFunction) => CloudFunction;
  /** Where it is, for who has to know that before it starts; otherwise a place of its own. */
  readonly at?: { readonly project: string; readonly front: Server };
  /** Variables of the functions besides the suite's own, or in their place. */
  readonly env?: Readonly<Record<string, string>>;
  /** Whether the emulators are as slow, as contended and as careless as the cloud. Default: if CLOUD is 1. */
  readonly cloud?: boolean;
  /**
   * Instances of each function that take requests by chance, each with a memory of its own. Default:
   * CLOUD_INSTANCES where CLOUD is 1, and one otherwise.
   */
  readonly instances?: number;
}

/** Whether tests run as in the cloud: `CLOUD=1 npm test -- FILE`. */
export const isCloud = process.env.CLOUD === "1";
export const CLOUD_INSTANCES = 3;

export async function startSystem({
  traced = false,
  wrap = (definition) => definition,
  env: own = {},
  cloud = isCloud,
  instances = isCloud ? CLOUD_INSTANCES : 1,
  at,
}: SystemOptions = {}): Promise<System> {
  const suite = await suiteOfProcess();
  const id = randomId().slice(0, 10);
  const { project, front } = at ?? { project: `test-${id}`, front: await listen() };
  if (cloud) suite.kernel.physics.turnOn(project);
  const functionsUrl = addressOf(front);
  const url = `${functionsUrl}/api`;
  const env = {
    ...functionsEnv(suite, keepsakes, { region: manifest.region, functionsUrl, publicUrl: url }),
    GOOGLE_CLOUD_PROJECT: project,
    INVOKER_EMAIL: invokerEmail(project),
    KMS_KEY: signingKmsKey(project, manifest.region),
    FILES_BUCKET: bucketName(project, "files"),
    // Clients reach these functions without a proxy.
    TRUSTED_PROXIES: "0",
    TRACE_RATIO: traced ? "1" : "0",
    ...own,
  };
  const config = parseConfig(env);
  const logs: Record<string, unknown>[] = [];
  const people: string[] = [];
  const log = createLog(config, (line) => logs.push(JSON.parse(line)));
  const deps = openDeps(config, { clock: suite.kernel.clock, log });
  const lifecycle = createLifecycle();
  const replyCheck = createReplyCheck();
  const { observe } = replyCheck;
  const functions = [apiObservedBy(observe), liveObservedBy(observe), ...backgroundFunctions].map(wrap);
  const others = Array.from({ length: instances - 1 }, () => openDeps(config, deps));
  const ids = [deps, ...others].map((of, index) => {
    const instance = `${id}-${index}`;
    registerFunctions(of, functions, lifecycle, (name) => `${name}-${instance}`);
    return instance;
  });
  const dispatched = dispatch(front, ids, functions);
  await provision(suite, manifest, { project, functionsUrl });
  const operator = createApiClient(url, { authorization: `Bearer ${config.operatorKey}` });
  // Of several cells one has it.
  if (config.cell === config.cells[0]?.name) {
    await operator.post("/v1/apps", { name: "demo", id: "demo" });
    await liftLimits(operator, "demo");
  }

  const upkeepOf = (): Counts => suite.kernel.meter.read({ requestId: upkeepId(project) });
  const settle = async (): Promise<void> => {
    // An event may enqueue a task and that task may publish an event, but no chain is longer.
    await suite.storage.idle();
    for (let step = 0; step < CAUSES_MAX; step += 1) {
      await suite.pubsub.idle(project);
      await suite.tasks.idle(project);
    }
    await suite.pubsub.idle(project);
  };

  const system: System = {
    project,
    url,
    functionsUrl,
    suite,
    deps,
    env,
    logs,
    operator,
    client: (headers = {}) => createApiClient(url, headers),
    async signIn(email, app = "demo") {
      const person = await signIn(system, email, app);
      people.push(person.id);
      return person;
    },
    async signInAs(role, email = `${role}@example.test`) {
      const person = await system.signIn(email);
      const { status } = await operator.patch(`/v1/apps/demo/users/${person.id}`, { role });
      if (status !== 200) throw new Error(`The role ${role} was answered with ${status}.`);
      // The tokens of before have ended.
      return system.signIn(email);
    },
    async createApp(name) {
      const { body } = await operator.post("/v1/apps", { name });
      return { id: body.app.id, token: body.token };
    },
    async meter(work) {
      await settle();
      suite.kernel.meter.clear(project);
      const before = upkeepOf();
      await work();
      await settle();
      return countsWithout(suite.kernel.meter.read({ project }), before, upkeepOf());
    },
    async meterRequest(work) {
      await settle();
      // Deliveries wait until the request is answered and counted.
      const { promise: until, resolve: release } = Promise.withResolvers<void>();
      const held = { kind: "held", until, count: Number.POSITIVE_INFINITY, match: project } as const;
      suite.kernel.faults.add({ service: "pubsub", method: "Push", ...held });
      suite.kernel.faults.add({ service: "tasks", method: "Dispatch", ...held });
      suite.kernel.meter.clear(project);
      const before = upkeepOf();
      const all = await work()
        .then(() => countsWithout(suite.kernel.meter.read({ project }), before, upkeepOf()))
        .finally(() => {
          suite.kernel.faults.clear(project);
          release();
        });
      const { "pubsub.Push": _push, "tasks.Dispatch": _dispatch, ...rpcs } = all.rpcs;
      await settle();
      return { ...all, rpcs };
    },
    fault: (plan) => suite.kernel.faults.add({ ...plan, match: plan.match ?? project }),
    clearFaults: () => suite.kernel.faults.clear(project),
    settle,
    async runSchedule(name) {
      const { status } = await suite.scheduler.run(project, name);
      if (status >= 300) throw new Error(`The schedule ${name} ended with ${status}.`);
    },
    oneInstance() {
      dispatched.isToOne = true;
      return { [Symbol.dispose]: () => (dispatched.isToOne = false) };
    },
    anotherInstance: (changed = {}) => startInstance(parseConfig({ ...env, ...changed }), deps, functions),
    async [Symbol.asyncDispose]() {
      await settle();
      await lifecycle.idle(5_000);
      front.closeAllConnections();
      front.close();
      await Promise.all([deps, ...others].map(closeDeps));
      demandCleanLogs(logs, { secrets: [config.operatorKey, config.secret], people });
      replyCheck.demandFit();
    },
  };
  return system;
}

/** Counts without what instances did for themselves meanwhile, such as following the revocations. */
function countsWithout(all: Counts, upkeepBefore: Counts, upkeepAfter: Counts): Counts {
  const rpcs = Object.entries(all.rpcs).map(([name, times]): [string, number] => [
    name,
    times - ((upkeepAfter.rpcs[name] ?? 0) - (upkeepBefore.rpcs[name] ?? 0)),
  ]);
  const billed = (kind: keyof Counts["billed"]): number =>
    all.billed[kind] - (upkeepAfter.billed[kind] - upkeepBefore.billed[kind]);
  return {
    ...all,
    rpcs: Object.fromEntries(rpcs.filter(([, times]) => times > 0)),
    billed: { reads: billed("reads"), writes: billed("writes"), deletes: billed("deletes") },
  };
}

async function startInstance(
  config: Config,
  of: Deps,
  functions: readonly CloudFunction[],
): Promise<Instance> {
  const id = randomId().slice(0, 10);
  const front = await listen();
  const deps = openDeps(config, of);
  const lifecycle = createLifecycle();
  registerFunctions(deps, functions, lifecycle, (name) => `${name}-${id}`);
  dispatch(front, [id], functions);
  const url = `${addressOf(front)}/api`;
  return {
    url,
    as: (person) => createApiClient(url, { authorization: `Bearer ${person.session.accessToken}` }),
    async [Symbol.asyncDispose]() {
      await lifecycle.idle(5_000);
      front.closeAllConnections();
      front.close();
      await closeDeps(deps);
    },
  };
}

async function signIn(system: System, email: string, app: string): Promise<Person> {
  const anyone = system.client();
  const { body: sent } = await anyone.post(`/v1/apps/${app}/auth/codes`, { email });
  await system.settle();
  const code = readCode(system, email);
  const { status, body: session } = await anyone.post(`/v1/apps/${app}/auth/sessions`, {
    challenge: sent.challenge,
    code,
  });
  if (status !== 201) throw new Error(`The sign-in of ${email} ended with ${status} ${session.code}.`);
  return {
    id: session.user.id,
    email,
    session,
    api: system.client({ authorization: `Bearer ${session.accessToken}` }),
  };
}

/** The code in the newest mail to this address. */
export function readCode(system: System, email: string): string {
  const [mail] = system.suite.mail.list({ to: email, limit: 1 });
  const code = /\b(\d{6})\b/.exec(mail?.subject ?? "")?.[1];
  if (code === undefined) throw new Error("No mail with a code has arrived.");
  return code;
}
