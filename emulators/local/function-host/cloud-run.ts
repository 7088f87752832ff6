import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:http";
import { closeServer, listen } from "../../kernel/loopback.ts";
import { createPhysics } from "../../kernel/physics.ts";
import { createProxy, endToEnd, type Proxy } from "../hosting/proxy.ts";
import { readManifest } from "../manifest.ts";
import { type CloudService, type ServiceBounds, startService } from "./cloud-service.ts";
import { type FunctionPool, type FunctionPoolOptions, takeLine } from "./pool.ts";
import { splitPath } from "./serve.ts";
import { startOrphanWaker } from "./wake-orphans.ts";

/**
 * The functions as Cloud Run runs them: services of several instances behind one port. Sources:
 * docs.cloud.google.com/run/docs/about-instance-autoscaling (A), …/configuring/billing-settings (B),
 * …/container-contract (C).
 */
export interface CloudRunOptions extends FunctionPoolOptions {
  /** Functions with a service of their own; the others share one. */
  readonly alone: readonly string[];
  /** A: how long a request waits for an instance. */
  readonly pendingMs?: number;
  /** A: how long an idle instance may stay. */
  readonly idleMs?: number;
  /** Ours: instances of one service on this machine; the manifest's number is for a cloud. */
  readonly instancesMax?: number;
}

const PENDING_MS = 10_000;
const IDLE_MS = 15 * 60_000;
export const CLOUD_INSTANCES_MAX = 8;
const STOP_GRACE_MS = 12_000;

/** Starts the least number of instances of each service, and resolves when all serve. */
export async function startCloudRun(options: CloudRunOptions): Promise<FunctionPool> {
  const { random } = createPhysics();
  const { pendingMs = PENDING_MS, idleMs = IDLE_MS } = options;
  const orphans = startOrphanWaker();
  let offsetMs = 0;
  const services = new Map<string, CloudService>();
  const started: CloudService[] = [];
  const stopServices = async (): Promise<void> => {
    await Promise.all(started.map((service) => service.stop()));
    orphans.close();
  };
  try {
    for (const { names, ...bounds } of servicesOf(options)) {
      const service = await startService({
        ...bounds,
        entry: options.entry,
        manifestPath: options.manifestPath,
        env: options.env,
        random,
        pendingMs,
        idleMs,
        clockOffsetMs: () => offsetMs,
        onStarted: orphans.add,
        onText: options.onText,
        onLine: (line, stream) => takeLine(options, line, stream),
      });
      started.push(service);
      for (const name of names) services.set(name, service);
    }
  } catch (cause) {
    await stopServices();
    throw cause;
  }
  const proxy = createProxy();
  const server = createServer((request, response) => void forward({ services, proxy }, request, response));
  const port = await listen(server, options.port, "127.0.0.1");
  return {
    nextPort: () => port,
    async up() {
      await Promise.all(started.map((service) => service.up()));
    },
    async setClock(movedMs) {
      offsetMs = movedMs;
      await Promise.all(started.map((service) => service.setClock(movedMs)));
    },
    async stop() {
      const closing = closeServer(server, STOP_GRACE_MS);
      await stopServices();
      await closing;
      proxy.close();
    },
  };
}

/** Each lone function with the manifest's bounds; those that share a service have the widest of theirs. */
function servicesOf(options: CloudRunOptions): (ServiceBounds & { readonly names: readonly string[] })[] {
  const all = Object.entries(readManifest(options.manifestPath).functions);
  const groups = [
    ...all.filter(([name]) => options.alone.includes(name)).map((one) => [one]),
    all.filter(([name]) => !options.alone.includes(name)),
  ];
  return groups
    .filter((group) => group.length > 0)
    .map((group) => {
      const widest = (field: "concurrency" | "memoryMiB" | "maxInstances"): number =>
        Math.max(...group.map(([, spec]) => spec[field]));
      const names = group.map(([name]) => name);
      const instancesMax = Math.min(widest("maxInstances"), options.instancesMax ?? CLOUD_INSTANCES_MAX);
      const [only = ""] = names;
      return {
        names,
        label: names.length === 1 ? only : "the other functions",
        concurrency: widest("concurrency"),
        memoryMiB: widest("memoryMiB"),
        instancesMin: names.length === 1 ? Math.min(options.instances, instancesMax) : 1,
        instancesMax,
      };
    });
}

interface Front {
  readonly services: ReadonlyMap<string, CloudService>;
  readonly proxy: Proxy;
}

async function forward(
  { services, proxy }: Front,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = request.url ?? "/";
  const { name } = splitPath(path);
  const service = services.get(name);
  if (service === undefined) return sendText(response, 404, `There is no function "${name}" here.\n`);
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  const instance = await service.begin(gone.signal);
  if (instance === undefined) return sendText(response, 429, "Rate exceeded.\n");
  if (response.closed) return service.end(instance);
  response.once("close", () => service.end(instance));
  proxy.forward(request, response, { port: instance.port, path, headers: endToEnd(request.headers) });
}

function sendText(response: ServerResponse, status: number, text: string): void {
  if (response.destroyed) return;
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8" });
  response.end(text);
}
