import { AsyncLocalStorage } from "node:async_hooks";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { ClientRequest } from "node:http";
import type { CloudFunction } from "../../functions/runtime/function.ts";
import { withContextMetadata } from "../../shared/platform/context.ts";
import { closeDeps, type Deps, openDeps } from "../../shared/platform/deps.ts";
import { withCallSpans } from "../../shared/platform/trace-calls.ts";

/** What one function was seen to use of Google Cloud: what its service account needs rights for. */
export interface Used {
  firestore: boolean;
  identity: boolean;
  bucket: (typeof BUCKET_LEVELS)[number];
  kms: boolean;
  push: boolean;
  readonly topics: Set<string>;
  readonly queues: Set<string>;
  /** Those that it asks about. */
  readonly checked_topics: Set<string>;
  readonly checked_queues: Set<string>;
  readonly secrets: Set<string>;
}

export interface CallRecorder {
  /** By function. */
  readonly used: ReadonlyMap<string, Used>;
  /** The function with clients of its own, whose calls are recorded. */
  wrap(definition: CloudFunction): CloudFunction;
  /** Closes the clients and stops listening. */
  close(): Promise<void>;
}

interface Call {
  readonly argument?: { readonly topic?: string; readonly parent?: string; readonly name?: string };
  readonly methodDefinition: { readonly path: string };
}

const TRANSFORMER = "grpc.callInvocationTransformer";

/**
 * Records which function makes which call. Each function gets clients of its own and runs in an asynchronous
 * context that says which it is, so that whatever it causes, timers and listeners included, is counted as its
 * own: at Google's gRPC clients, at outgoing HTTP, and at the clients of other services, whose secrets they
 * stand for.
 */
export function createCallRecorder(identityPort: number): CallRecorder {
  const current = new AsyncLocalStorage<string>();
  const used = new Map<string, Used>();
  const opened: Deps[] = [];
  const plain = withContextMetadata[TRANSFORMER];
  const traced = withCallSpans[TRANSFORMER];
  const note = (apply: (of: Used) => void): void => {
    const name = current.getStore();
    if (name !== undefined) apply(usedBy(used, name));
  };
  const noteCall = (call: unknown): void => {
    const { argument, methodDefinition } = call as Call;
    note((of) => noteRpc(of, methodDefinition.path, argument));
  };
  const noteHttp = (message: unknown): void => {
    const { request } = message as { request: ClientRequest };
    if (request.getHeader("host")?.toString().endsWith(`:${identityPort}`)) {
      // The same port serves the public keys that tokens are checked with; those need no right.
      if (request.path.startsWith("/identitytoolkit")) note((of) => (of.identity = true));
    }
  };
  withContextMetadata[TRANSFORMER] = (call) => {
    noteCall(call);
    return plain(call);
  };
  withCallSpans[TRANSFORMER] = (call) => {
    noteCall(call);
    return traced(call);
  };
  subscribe("http.client.request.start", noteHttp);
  return {
    used,
    wrap: (definition) => ({
      ...definition,
      open(deps) {
        usedBy(used, definition.name);
        const own = openDeps(deps.config, deps);
        opened.push(own);
        return current.run(definition.name, () => {
          const handle = definition.open(watched(own, note));
          return (request, response) => current.run(definition.name, () => handle(request, response));
        });
      },
    }),
    async close() {
      withContextMetadata[TRANSFORMER] = plain;
      withCallSpans[TRANSFORMER] = traced;
      unsubscribe("http.client.request.start", noteHttp);
      await Promise.all(opened.map(closeDeps));
    },
  };
}

function usedBy(used: Map<string, Used>, name: string): Used {
  const known = used.get(name) ?? {
    firestore: false,
    identity: false,
    bucket: "none",
    kms: false,
    push: false,
    topics: new Set(),
    queues: new Set(),
    checked_topics: new Set(),
    checked_queues: new Set(),
    secrets: new Set(),
  };
  used.set(name, known);
  return known;
}

const lastPart = (resource = ""): string => resource.split("/").at(-1) ?? "";

function noteRpc(of: Used, path: string, argument: Call["argument"]): void {
  if (path.startsWith("/google.firestore.v1.Firestore/")) of.firestore = true;
  else if (path === "/google.pubsub.v1.Publisher/Publish") of.topics.add(lastPart(argument?.topic));
  else if (path === "/google.cloud.tasks.v2.CloudTasks/CreateTask") of.queues.add(lastPart(argument?.parent));
  else if (path === "/google.pubsub.v1.Publisher/GetTopic") of.checked_topics.add(lastPart(argument?.topic));
  else if (path === "/google.cloud.tasks.v2.CloudTasks/GetQueue")
    of.checked_queues.add(lastPart(argument?.name));
  else if (/^\/google\.cloud\.kms\.v1\.KeyManagementService\/(En|De)crypt$/.test(path)) of.kms = true;
  else throw new Error(`${path} is called, and no role is known for it.`);
}

/** What may be done with the bucket of files: each may what those before it may. */
const BUCKET_LEVELS = ["none", "read", "sign", "change"] as const;
const LEVEL_OF: Readonly<Record<string, Used["bucket"]>> = {
  read: "read",
  stat: "read",
  check: "read",
  sign: "sign",
};

function noteBucket(of: Used, method: string): void {
  const level = BUCKET_LEVELS.indexOf(LEVEL_OF[method] ?? "change");
  of.bucket = BUCKET_LEVELS[Math.max(level, BUCKET_LEVELS.indexOf(of.bucket))] ?? "change";
}

/** Dependencies whose use is noted: the secrets that they hold, and pushes. */
function watched(deps: Deps, note: (apply: (of: Used) => void) => void): Deps {
  const holder =
    (secret: string) =>
    (of: Used): void =>
      void of.secrets.add(secret);
  return {
    ...deps,
    keys: watchedObject(deps.keys, () => note(holder("SCROLLBACK_SECRET"))),
    models: watchedObject(deps.models, () => note(holder("MODEL_API_KEY"))),
    mailer: watchedObject(deps.mailer, (key) => key === "send" && note(holder("SMTP_URL"))),
    bucket: watchedObject(deps.bucket, (method) => note((of) => noteBucket(of, String(method)))),
    push: watchedObject(deps.push, () => note((of) => (of.push = true))),
    config: watchedObject(deps.config, (key) => key === "operatorKey" && note(holder("OPERATOR_KEY"))),
  };
}

const watchedObject = <T extends object>(object: T, onRead: (key: string | symbol) => void): T =>
  new Proxy(object, {
    get(target, key, receiver) {
      onRead(key);
      return Reflect.get(target, key, receiver);
    },
  });
