import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type LoopbackServer, serveLoopback } from "../kernel/loopback.ts";
import {
  failuresOf,
  HOSTILE_PATHS,
  HOSTILE_REQUESTS,
  liveMebibytes,
  METHODS,
  request,
  requestsWithHostileBodies,
  stallConnections,
  statusOfEndless,
} from "../kernel/testing/hostile-http.ts";
import { type Suite, startSuite } from "../suite.ts";
import { createControl } from "./control/server.ts";
import { createLogBook } from "./function-host/log-book.ts";
import { readHostingRules } from "./hosting/rewrites.ts";
import { createHosting, type Hosting } from "./hosting/server.ts";

/** What anyone who reaches the port of hosting and the control API may send. */
let folder: string;
let suite: Suite;
let hosting: Hosting;
let site: LoopbackServer;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "hostile-"));
  writeFileSync(join(folder, "index.html"), "<!doctype html><title>Home</title>");
  suite = await startSuite({ project: "hostile", dataDir: undefined });
  const app = { id: "demo", token: undefined };
  const control = createControl({
    suite,
    logs: createLogBook(() => 0),
    info: () => ({
      api: "",
      projectId: "hostile",
      operatorKey: "",
      app,
      ports: { ...suite.ports, hosting: 0, ui: 0, functions: 0 },
    }),
    setFunctionsClock: async () => undefined,
    pagePorts: () => [],
  });
  const rewrites = [{ source: "/v1/**", run: { serviceId: "api" } }];
  hosting = createHosting({
    rules: readHostingRules({ hosting: { public: ".", rewrites } }),
    publicFolder: folder,
    functionsPort: () => undefined,
    controlUrl: () => "http://127.0.0.1:1",
    storageUrl: () => "http://127.0.0.1:9199",
  });
  site = await serveLoopback(0, (incoming, response) => {
    if (!control(incoming, response)) hosting.listener(incoming, response);
  });
});
afterAll(async () => {
  await site.close();
  hosting.close();
  await suite.stop();
  rmSync(folder, { recursive: true });
});

/** Whether an honest caller is served by both. */
async function honestCalls(): Promise<number[]> {
  const urls = [`http://127.0.0.1:${site.port}/control/info`, `http://127.0.0.1:${site.port}/`];
  const answers = await Promise.all(urls.map((url) => fetch(url)));
  for (const answer of answers) await answer.arrayBuffer();
  return answers.map(({ status }) => status);
}
const ALL_SERVED = [200, 200];

const PATHS = [
  ...HOSTILE_PATHS,
  "/control/%",
  "/control/mail/%ff",
  "/control/queues?%",
  `/control/${"%41".repeat(2_000)}`,
];

const ENDPOINTS = [
  "POST /control/clock",
  "POST /control/faults",
  "POST /control/tasks/a/run",
  "DELETE /control/faults",
  "POST /v1/x",
];

test("paths that mean nothing and wrong percent-encodings are refused, whatever the method", async () => {
  const requests = METHODS.flatMap((method) => PATHS.map((path) => request(`${method} ${path}`)));
  expect(await failuresOf(site.port, requests)).toEqual([]);
  expect(await honestCalls()).toEqual(ALL_SERVED);
});

test("what is no HTTP, or contradicts itself, ends its own connection at most", async () => {
  expect(await failuresOf(site.port, HOSTILE_REQUESTS)).toEqual([]);
  expect(await honestCalls()).toEqual(ALL_SERVED);
});

test("bodies of the wrong kind are refused at every endpoint", async () => {
  expect(await failuresOf(site.port, requestsWithHostileBodies(ENDPOINTS))).toEqual([]);
  expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  expect(await honestCalls()).toEqual(ALL_SERVED);
});

test("bodies that never end keep nobody waiting, and bodies beyond a limit are not kept", async () => {
  const breakOff = stallConnections(site.port, ENDPOINTS);
  expect(await honestCalls()).toEqual(ALL_SERVED);
  breakOff();
  const before = liveMebibytes();
  expect([0, 400, 413, 502]).toContain(await statusOfEndless(site.port, ENDPOINTS[0] ?? ""));
  // Kept, it would be 40.
  expect(liveMebibytes() - before).toBeLessThan(20);
  expect(await honestCalls()).toEqual(ALL_SERVED);
});
