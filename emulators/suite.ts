import { type Auth, openAuth } from "./auth/server.ts";
import type { DataFolder } from "./data-folder.ts";
import { openDataFolder } from "./data-folder.ts";
import { type IndexFile, openFirestore } from "./firestore/server.ts";
import { createClock } from "./kernel/clock.ts";
import { createFaults } from "./kernel/faults.ts";
import { type GrpcServer, type HttpBeside, type Kernel, type ServiceSpec, serveGrpc } from "./kernel/grpc.ts";
import { createMeter } from "./kernel/meter.ts";
import { type Kms, openKms } from "./kms/server.ts";
import { type RequestListener, serveLoopback } from "./loopback.ts";
import { openMail } from "./mail/server.ts";
import { type ModelServer, openModel } from "./model/server.ts";
import { type Oidc, openOidc } from "./oidc/open-oidc.ts";
import { anyPorts, type PortName, type Ports, requireFreePorts } from "./ports.ts";
import { publisherOf } from "./publish-in-process.ts";
import { openPubSub } from "./pubsub/server.ts";
import { openPush, type PushServer } from "./push/server.ts";
import { openScheduler } from "./scheduler/server.ts";
import {
  openServiceAccount,
  openStorage,
  type SigningCredentials,
  trustedAccount,
} from "./storage/server.ts";
import { openTasks } from "./tasks/server.ts";
import { openTrace, type TraceServer } from "./trace/server.ts";

/** The emulators that can be started alone, each with its port. */
export const SERVICES = {
  firestore: "firestore",
  pubsub: "pubsub",
  tasks: "tasks",
  mail: "smtp",
  storage: "storage",
  auth: "auth",
  kms: "kms",
  push: "push",
  trace: "trace",
  model: "model",
} as const;
export type ServiceName = keyof typeof SERVICES;

interface Emulators {
  readonly firestore: ReturnType<typeof openFirestore>;
  readonly pubsub: ReturnType<typeof openPubSub>;
  readonly tasks: ReturnType<typeof openTasks>;
  readonly mail: ReturnType<typeof openMail>;
  readonly storage: ReturnType<typeof openStorage>;
  readonly auth: Auth;
  readonly kms: Kms;
  readonly push: PushServer;
  readonly trace: TraceServer;
  readonly model: ModelServer;
}

type Scheduler = ReturnType<typeof openScheduler>;

interface SuiteCore {
  readonly kernel: Kernel;
  readonly project: string;
  /** The ports that are open; 0 where nothing of the suite listens. */
  readonly ports: Ports;
  /** Always there: the other emulators present its tokens. */
  readonly oidc: Oidc;
  readonly scheduler: Scheduler;
  readonly folder: DataFolder;
  /** The service account whose signed URLs the storage emulator accepts; undefined where that isn't up. */
  readonly signer: SigningCredentials | undefined;
  /** The variables that point Google's clients, and whoever checks its tokens, at what has been started. */
  readonly env: Readonly<Record<string, string>>;
  /** Ends deliveries, then the ports, then puts everything on disk. */
  stop(): Promise<void>;
}

export type Suite<Names extends ServiceName = ServiceName> = SuiteCore & Pick<Emulators, Names>;

export interface SuiteOptions<Names extends ServiceName> {
  readonly project: string;
  /** Absent: free ports, chosen by the system. */
  readonly ports?: Ports | undefined;
  /** Undefined: everything stays in memory and ends with the process. */
  readonly dataDir: string | undefined;
  /** Forget what the data folder holds. */
  readonly fresh?: boolean | undefined;
  /** Absent: all. */
  readonly only?: readonly Names[] | undefined;
  /** firestore.indexes.json, parsed: queries that lack an index are then refused as in production. */
  readonly indexes?: IndexFile | undefined;
  /**
   * Awaited before each call to a function that presents an identity: as in the cloud, work that
   * arrives while no instance is up waits for one instead of failing.
   */
  readonly beforeDelivery?: (() => Promise<void>) | undefined;
}

/** Opens and serves the emulators in this process; when it rejects, nothing is left open. */
export async function startSuite<Names extends ServiceName = ServiceName>(
  options: SuiteOptions<Names>,
): Promise<Suite<Names>> {
  const { project, ports = anyPorts() } = options;
  const names = (options.only ?? Object.keys(SERVICES)) as readonly ServiceName[];
  await requireFreePorts(ports, [...new Set(["auth" as const, ...names.map((name) => SERVICES[name])])]);
  const undo: (() => unknown)[] = [];
  const stop = async (): Promise<void> => {
    for (const end of undo.splice(0).reverse()) await end();
  };
  try {
    const folder = openDataFolder(options.dataDir, options.fresh);
    undo.push(() => folder.release());
    const kernel: Kernel = { clock: createClock(), faults: createFaults(), meter: createMeter() };
    undo.push(() => kernel.clock.stop());
    const opened = await openAll(kernel, { ...options, names, ports, folder, undo });
    const core: SuiteCore = {
      kernel,
      project,
      ports: opened.ports,
      oidc: opened.oidc,
      scheduler: opened.scheduler,
      folder,
      signer: opened.signer,
      env: clientEnv(project, opened.ports, opened.oidc, opened.emulators.auth !== undefined),
      stop,
    };
    return { ...core, ...opened.emulators } as Suite<Names>;
  } catch (cause) {
    await stop();
    throw cause;
  }
}

interface Opening {
  readonly project: string;
  readonly names: readonly ServiceName[];
  readonly ports: Ports;
  readonly folder: DataFolder;
  readonly indexes?: IndexFile | undefined;
  readonly beforeDelivery?: (() => Promise<void>) | undefined;
  /** What has been opened so far, to be closed in reverse order. */
  readonly undo: (() => unknown)[];
}

interface Opened {
  readonly emulators: Partial<Emulators>;
  readonly oidc: Oidc;
  readonly scheduler: Scheduler;
  readonly signer: SigningCredentials | undefined;
  readonly ports: Ports;
}

async function openAll(kernel: Kernel, opening: Opening): Promise<Opened> {
  const { names, ports, folder, undo } = opening;
  const bound = Object.fromEntries(Object.keys(ports).map((name) => [name, 0])) as Record<PortName, number>;
  const wanted = (name: ServiceName): boolean => names.includes(name);
  const auth = wanted("auth")
    ? folder.open("auth.sqlite", (path) => openAuth(kernel, { path, project: opening.project }))
    : undefined;
  if (auth !== undefined) undo.push(() => auth.close());
  // Either may have to make a key, which takes a tenth of a second on a thread of its own.
  const [{ oidc, port: authPort }, signer] = await Promise.all([
    serveIdentity(kernel, { port: ports.auth, folder, undo, auth }),
    wanted("storage")
      ? openServiceAccount(folder.file("storage-key.pem"), signerEmail(opening.project))
      : undefined,
  ]);
  bound.auth = authPort;
  const mintIdToken: Oidc["mintIdToken"] = async (claims) => {
    await opening.beforeDelivery?.();
    return oidc.mintIdToken(claims);
  };
  const emulators: { -readonly [Name in keyof Emulators]?: Emulators[Name] } = {};
  if (auth !== undefined) emulators.auth = auth;

  const serve = async (
    name: "firestore" | "pubsub" | "tasks" | "kms",
    services: readonly ServiceSpec[],
    http?: HttpBeside,
  ) => {
    const server: GrpcServer = await serveGrpc(kernel, ports[name], services, http);
    undo.push(() => server.stop());
    bound[name] = server.port;
  };

  if (wanted("kms")) {
    emulators.kms = openKms(kernel, { path: folder.file("kms-keys.json") });
    await serve("kms", emulators.kms.services);
  }
  if (wanted("push")) {
    const push = folder.open("push.sqlite", (path) => openPush(kernel, { path }));
    undo.push(() => push.close());
    emulators.push = push;
    const server = await serveLoopback(ports.push, push.listener);
    undo.push(() => server.close());
    bound.push = server.port;
  }
  if (wanted("trace")) {
    emulators.trace = openTrace(kernel);
    const server = await serveLoopback(ports.trace, emulators.trace.listener);
    undo.push(() => server.close());
    bound.trace = server.port;
  }
  if (wanted("model")) {
    emulators.model = openModel(kernel, { project: opening.project });
    const server = await serveLoopback(ports.model, emulators.model.listener);
    undo.push(() => server.close());
    bound.model = server.port;
  }
  // The order is also, reversed, that of closing: deliverers end before what the functions write to.
  if (wanted("firestore")) {
    const { indexes, project } = opening;
    const firestore = folder.open("firestore.sqlite", (path) =>
      openFirestore(kernel, { path, indexes, project }),
    );
    undo.push(() => firestore.close());
    emulators.firestore = firestore;
    await serve("firestore", firestore.services, firestore.http);
  }
  if (wanted("mail")) {
    const mail = folder.open("mail.sqlite", (path) => openMail(kernel, { path }));
    undo.push(() => mail.close());
    emulators.mail = mail;
    bound.smtp = await mail.listen(ports.smtp);
  }
  if (wanted("tasks")) {
    const tasks = folder.open("tasks.sqlite", (path) => openTasks(kernel, { path, mintIdToken }));
    undo.push(() => tasks.close());
    emulators.tasks = tasks;
    await serve("tasks", tasks.services, tasks.http);
  }
  if (wanted("pubsub")) {
    const pubsub = folder.open("pubsub.sqlite", (path) => openPubSub(kernel, { path, mintIdToken }));
    undo.push(() => pubsub.close());
    emulators.pubsub = pubsub;
    await serve("pubsub", pubsub.services, pubsub.http);
  }
  if (signer !== undefined) {
    const storage = await serveStorage(kernel, opening, signer, emulators.pubsub);
    emulators.storage = storage.storage;
    bound.storage = storage.port;
  }
  const scheduler = openScheduler(kernel, { mintIdToken });
  undo.push(() => scheduler.close());
  return { emulators, oidc, scheduler, signer, ports: bound };
}

/** Opened after Pub/Sub, which it hands its notifications to. */
async function serveStorage(
  kernel: Kernel,
  { folder, ports, undo }: Opening,
  signer: SigningCredentials,
  pubsub: Emulators["pubsub"] | undefined,
): Promise<{ storage: Emulators["storage"]; port: number }> {
  const publish = pubsub && publisherOf(pubsub);
  const serviceAccounts = [trustedAccount(signer)];
  const storage = folder.open("storage", (path) => openStorage(kernel, { path, publish, serviceAccounts }));
  undo.push(() => storage.close());
  const server = await serveLoopback(ports.storage, storage.listener);
  undo.push(() => server.close());
  return { storage, port: server.port };
}

interface IdentityOptions {
  readonly port: number;
  readonly folder: DataFolder;
  readonly undo: (() => unknown)[];
  /** Serves everything else on the port; absent: only the certificates are there. */
  readonly auth: Auth | undefined;
}

/** Google's certificates endpoint: whoever is handed a token can check it here. */
async function serveIdentity(
  kernel: Kernel,
  { port, folder, undo, auth }: IdentityOptions,
): Promise<{ oidc: Oidc; port: number }> {
  let oidc: Oidc | undefined;
  const listener: RequestListener = (request, response) => {
    const isCerts = request.method === "GET" && request.url === "/oauth2/v3/certs";
    if (!isCerts && auth !== undefined) return auth.listener(request, response);
    if (!isCerts || oidc === undefined) {
      response.writeHead(501, { "content-type": "application/problem+json" });
      response.end(
        JSON.stringify({
          status: 501,
          title: "Not Implemented",
          detail: "Only GET /oauth2/v3/certs is served.",
        }),
      );
      return;
    }
    response.writeHead(200, { "content-type": "application/json", "cache-control": "public, max-age=300" });
    response.end(JSON.stringify(oidc.jwks()));
  };
  // The issuer's name holds the port, so the port comes first.
  const server = await serveLoopback(port, listener);
  undo.push(() => server.close());
  oidc = await openOidc({
    path: folder.file("auth-key.json"),
    issuer: `http://127.0.0.1:${server.port}`,
    clock: kernel.clock,
  });
  return { oidc, port: server.port };
}

function clientEnv(project: string, ports: Ports, oidc: Oidc, hasAuth: boolean): Record<string, string> {
  const at = (port: number): string => `127.0.0.1:${port}`;
  return {
    GOOGLE_CLOUD_PROJECT: project,
    // Or Google's clients look for a metadata server that is not there.
    METADATA_SERVER_DETECTION: "none",
    OIDC_ISSUER: oidc.issuer,
    OIDC_JWKS_URL: `${oidc.issuer}/oauth2/v3/certs`,
    ...(ports.firestore === 0 ? {} : { FIRESTORE_EMULATOR_HOST: at(ports.firestore) }),
    ...(ports.pubsub === 0 ? {} : { PUBSUB_EMULATOR_HOST: at(ports.pubsub) }),
    ...(ports.tasks === 0 ? {} : { TASKS_ENDPOINT: at(ports.tasks) }),
    ...(ports.kms === 0 ? {} : { KMS_ENDPOINT: at(ports.kms) }),
    ...(ports.push === 0 ? {} : { PUSH_ENDPOINT: `http://${at(ports.push)}` }),
    ...(ports.trace === 0 ? {} : { TRACE_ENDPOINT: `http://${at(ports.trace)}` }),
    ...(ports.model === 0 ? {} : { MODEL_BASE_URL: `http://${at(ports.model)}/v1` }),
    ...(ports.storage === 0 ? {} : { STORAGE_EMULATOR_HOST: `http://${at(ports.storage)}` }),
    ...(hasAuth ? { FIREBASE_AUTH_EMULATOR_HOST: at(ports.auth) } : {}),
    ...(ports.smtp === 0
      ? {}
      : { SMTP_URL: `smtp://${at(ports.smtp)}`, MAIL_FROM: "Scrollback <no-reply@scrollback.test>" }),
  };
}

/** The service account as which queues, subscriptions and schedules call the functions. */
export const invokerEmail = (project: string): string => `invoker@${project}.iam.gserviceaccount.com`;

/** The service account as which the functions sign URLs. */
const signerEmail = (project: string): string => `functions@${project}.iam.gserviceaccount.com`;

/** The key that signing keys are encrypted with. */
export const signingKmsKey = (project: string, region: string): string =>
  `projects/${project}/locations/${region}/keyRings/scrollback/cryptoKeys/signing-keys`;

/** All variables of the functions, under their names in production. */
export function functionsEnv(
  suite: Pick<SuiteCore, "env" | "folder" | "ports" | "project" | "signer">,
  where: { readonly region: string; readonly functionsUrl: string; readonly publicUrl: string },
): Record<string, string> {
  return {
    ...suite.env,
    INVOKER_EMAIL: invokerEmail(suite.project),
    KMS_KEY: signingKmsKey(suite.project, where.region),
    // In the cloud the functions sign through the IAM API, as the account that they run as.
    ...(suite.signer === undefined ? {} : { STORAGE_SIGNER: JSON.stringify(suite.signer) }),
    // Any key will do, but there has to be one.
    MODEL_API_KEY: "local",
    MODEL_FAST: "emulated-small",
    MODEL_SLOW: "emulated-large",
    SCROLLBACK_SECRET: suite.folder.secret,
    OPERATOR_KEY: suite.folder.operatorKey,
    REGION: where.region,
    FUNCTIONS_URL: where.functionsUrl,
    PUBLIC_URL: where.publicUrl,
  };
}
