import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import type { Kernel } from "../kernel/kernel.ts";
import { type NoReply, serveHttp, toStatusError } from "../kernel/http.ts";
import type { StatusError } from "../kernel/status-error.ts";
import { pauseOn, withFault } from "../kernel/with-fault.ts";
import { answerBatch } from "./batch.ts";
import { openBlobs } from "./blobs.ts";
import { createGenerations, createRelease, type StorageCore } from "./core.ts";
import { bucketCors, openCors } from "./cors.ts";
import { type Reply, type StorageRequest, headerOf } from "./exchange.ts";
import { internalError, jsonError, storageError } from "./failure.ts";
import { sweep } from "./lifecycle.ts";
import { SWEEP_MS } from "./limits.ts";
import { createAnnounce, createOutbox, type PublishNotification } from "./notifications.ts";
import { type Api, apiOf, createRouter } from "./routes.ts";
import type { TrustedAccount } from "./service-account.ts";
import { createSessions } from "./sessions.ts";
import { createSignatures } from "./signature.ts";
import { openState } from "./state.ts";
import { xmlError } from "./xml.ts";
import { requireXmlAccess } from "./xml-api.ts";

export type { NotificationMessage, PublishNotification } from "./notifications.ts";
export {
  openServiceAccount,
  type SigningCredentials,
  type TrustedAccount,
  trustedAccount,
  trustedKeyFile,
} from "./service-account.ts";

export interface Storage {
  /** Serves both APIs, on whatever port it is given. */
  readonly listener: (request: IncomingMessage, response: ServerResponse) => void;
  /** Accepts the signatures of one more service account. */
  trust(account: TrustedAccount): void;
  /** Resolves once every change is published that can be at the moment. */
  idle(): Promise<void>;
  /** The state for display. */
  snapshot(project?: string): StorageSnapshot;
  close(): void;
}

export interface StorageSnapshot {
  readonly buckets: { readonly name: string; readonly project: string; readonly location: string }[];
  readonly objects: number;
  readonly bytes: number;
}

export interface StorageOptions {
  /** The folder of the database and the objects' bytes; undefined: everything stays in memory. */
  readonly path: string | undefined;
  /** Hands notifications to Pub/Sub; absent: they wait in the outbox. */
  readonly publish?: PublishNotification | undefined;
  /** Whose signed URLs are accepted. */
  readonly serviceAccounts?: readonly TrustedAccount[] | undefined;
}

/** Cloud Storage: the JSON API and the XML API. What an earlier process left half received is removed. */
export function openStorage(
  kernel: Kernel,
  { path, publish, serviceAccounts = [] }: StorageOptions,
): Storage {
  const { clock } = kernel;
  const state = openState(path === undefined ? undefined : join(path, "storage.sqlite"));
  const blobs = openBlobs(path === undefined ? undefined : join(path, "blobs"));
  blobs.sweep(state.isReferenced);
  const now = (): number => clock.now();
  const core: StorageCore = {
    kernel,
    state,
    blobs,
    announce: createAnnounce(state, now),
    nextGeneration: createGenerations(state, now),
    release: createRelease(state, blobs),
  };
  const signatures = createSignatures(clock, serviceAccounts);
  const router = createRouter(core, createSessions(core), signatures);
  const outbox = createOutbox(state, clock, publish);
  outbox.wake();

  let closed = false;
  const runSweep = (): void => {
    cancelSweep = clock.at(clock.now() + SWEEP_MS, runSweep);
    // The next request that needs the database reports what fails here.
    void sweep(core, () => closed)
      .then(outbox.wake)
      .catch(() => undefined);
  };
  let cancelSweep = clock.at(clock.now() + SWEEP_MS, runSweep);

  /** Answers one call; failures become replies in the words of its API. */
  const reply = async (request: StorageRequest): Promise<Reply | NoReply> => {
    const api = apiOf(request.path);
    let cors: Readonly<Record<string, string>> = {};
    try {
      const route = router.find(request.method === "OPTIONS" ? { ...request, method: "GET" } : request);
      const { names, method } = route;
      const bucket = state.bucket(names.bucket ?? "");
      cors = api === "json" ? openCors(request) : bucketCors(request, bucket?.resource.cors ?? []);
      if (request.method === "OPTIONS") return { status: 200, headers: cors };
      const project = bucket?.project ?? request.query.get("project") ?? "";
      kernel.meter.rpc({ project, requestId: headerOf(request, "x-request-id") }, `storage.${method}`);
      const object = names.object ?? (method === "objects.insert" ? request.query.get("name") : null);
      const resource = `projects/_/buckets/${names.bucket ?? ""}${object === null ? "" : `/objects/${object}`}`;
      return await withFault(kernel.faults.take("storage", method, resource), {
        async work() {
          if (api === "xml") requireXmlAccess(core, signatures, { request, call: route.call, names });
          const result = await route.handler(request, names);
          // A response must not show what a failed flush would roll back.
          await state.database.settled();
          outbox.wake();
          return { ...result, headers: { ...result.headers, ...cors } };
        },
        failure: plannedFailure,
        pause: pauseOn(clock),
      });
    } catch (cause) {
      return renderFailure(toStatusError(cause, internalError), api, request, cors);
    }
  };

  return {
    listener: serveHttp({
      handle(incoming) {
        const request = requestOf(incoming);
        const isBatch = request.path.startsWith("/batch") && request.method === "POST";
        return isBatch ? batchOf(request, reply) : reply(request);
      },
      render: (error) => renderFailure(error, "json", undefined, {}),
      internal: internalError,
    }),
    trust: signatures.trust,
    idle: outbox.idle,
    snapshot: (project) => {
      const { objects, bytes } = state.counts();
      const buckets = state.buckets(project);
      return {
        buckets: buckets.map(({ name, project: owner, resource }) => ({
          name,
          project: owner,
          location: resource.location,
        })),
        objects,
        bytes,
      };
    },
    close() {
      closed = true;
      cancelSweep();
      outbox.close();
      state.database.close();
    },
  };
}

const FAULT_STATUS: Readonly<Record<string, number>> = {
  RESOURCE_EXHAUSTED: 429,
  INTERNAL: 500,
  DEADLINE_EXCEEDED: 504,
  PERMISSION_DENIED: 403,
  NOT_FOUND: 404,
};

const plannedFailure = (code: string): StatusError =>
  storageError({
    status: FAULT_STATUS[code] ?? 503,
    reason: "backendError",
    xmlCode: "ServiceUnavailable",
    message: "A planned fault.",
  });

async function batchOf(
  request: StorageRequest,
  reply: (request: StorageRequest) => Promise<Reply | NoReply>,
): Promise<Reply> {
  try {
    return await answerBatch(request, async (inner) => {
      const result = await reply(inner);
      if (typeof result !== "string") return result;
      // A call within a batch has no connection of its own that could hang or break.
      return renderFailure(plannedFailure("UNAVAILABLE"), "json", inner, {});
    });
  } catch (cause) {
    return renderFailure(toStatusError(cause, internalError), "json", request, {});
  }
}

/** A failure in the words of its API. `request` is undefined where it could not be read. */
function renderFailure(
  error: StatusError,
  api: Api,
  request: StorageRequest | undefined,
  cors: Readonly<Record<string, string>>,
): Reply {
  const bare = error.httpStatus === 304 || request?.method === "HEAD";
  // The failure of a download is plain text, since its caller expects no JSON.
  if (!bare && api === "json" && request?.query.get("alt") === "media") {
    const headers = { ...error.headers, ...cors, "content-type": "text/html; charset=UTF-8" };
    return { status: error.httpStatus, headers, body: error.message };
  }
  const type = api === "json" ? "application/json; charset=UTF-8" : "application/xml; charset=UTF-8";
  return {
    status: error.httpStatus,
    headers: { ...error.headers, ...cors, ...(bare ? {} : { "content-type": type }) },
    body: bare ? undefined : api === "json" ? jsonError(error) : xmlError(error),
  };
}

function requestOf(incoming: IncomingMessage): StorageRequest {
  const host = incoming.headers.host ?? "localhost";
  const [path = "/", query = ""] = (incoming.url ?? "/").split(/\?(.*)/s);
  return {
    method: incoming.method ?? "GET",
    path,
    query: new URLSearchParams(query),
    headers: incoming.headers,
    body: incoming as AsyncIterable<Buffer>,
    origin: `http://${host}`,
  };
}
