import { mkdtempSync, rmSync } from "node:fs";
import { Agent, request as httpRequest } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createApiClient } from "../shared/testing/api-client.ts";
import { liftLimits } from "../shared/testing/lift-limits.ts";
import { seededRandom } from "../shared/testing/seeded-random.ts";
import { type LocalSuite, signInOn, startLocalSuite } from "./local-suite.ts";
import { bare, closedLoop, type Measured, medianRow, openLoop, type Row, rowOf } from "./measure.ts";

/**
 * `npm run bench [-- --quick]` (or `npm run bench -- emulators`): what the main operations cost, beside the
 * bare cost of the same Firestore and Pub/Sub calls through the same clients. API and bare runs alternate (A
 * B B A), so that a drifting machine shows in both. Times are of this machine; the ratios and the calls per
 * request travel.
 */

const SEED = 7;
const CHATS = 256;
const TEXT = "A message of about the usual length, as people write them.";
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: "boolean", default: false },
    "port-base": { type: "string", default: "21000" },
    // For bench/emulators.ts, which reads it itself.
    documents: { type: "string" },
  },
});
const scale = values.quick ? 0.25 : 1;
const rounds = values.quick ? 1 : 2;

// oxlint-disable-next-line typescript/no-explicit-any -- answers of several shapes
type Body = any;

interface Api {
  readonly token: string;
  post(path: string, body: object): Promise<{ status: number; body: Body }>;
  get(path: string): Promise<{ status: number; body: Body }>;
}

const agent = new Agent({ keepAlive: true, maxSockets: 256 });

/** Node's own HTTP client: the generator shares two cores with what it measures, so it has to be light. */
function lightClient(base: string, token: string): Api {
  const url = new URL(base);
  const call = (method: string, path: string, body?: object): Promise<{ status: number; body: Body }> =>
    new Promise((resolve, reject) => {
      const payload = body === undefined ? undefined : JSON.stringify(body);
      const headers = {
        authorization: `Bearer ${token}`,
        ...(payload === undefined
          ? {}
          : { "content-type": "application/json", "content-length": Buffer.byteLength(payload) }),
      };
      const sent = httpRequest(
        {
          agent,
          host: url.hostname,
          port: url.port,
          method,
          path: `${url.pathname.replace(/\/$/, "")}${path}`,
          headers,
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on("data", (chunk: Buffer) => chunks.push(chunk));
          response.on("end", () => {
            const status = response.statusCode ?? 0;
            if (status >= 400)
              return reject(new Error(`${method} ${path}: ${status} ${Buffer.concat(chunks).toString()}`));
            const text = Buffer.concat(chunks).toString();
            resolve({ status, body: text === "" ? {} : JSON.parse(text) });
          });
        },
      );
      sent.on("error", reject);
      sent.end(payload);
    });
  return { token, post: (path, body) => call("POST", path, body), get: (path) => call("GET", path) };
}

const table: string[][] = [];
const number = (value: number, digits = 1): string => (Number.isFinite(value) ? value.toFixed(digits) : "-");

function report(label: string, row: Row, rpcs: string): void {
  table.push([
    label,
    number(row.p50),
    number(row.p95),
    number(row.p99),
    number(row.perSecond, 0),
    number(row.cpuMicros, 0),
    rpcs,
  ]);
  console.error(`  ${label}: p50 ${number(row.p50)} ms, ${number(row.perSecond, 0)}/s`);
}

async function rpcsOf(suite: LocalSuite, requests: number, work: () => Promise<unknown>): Promise<string> {
  const control = createApiClient(suite.consoleUrl, {});
  await control.delete("/control/meter");
  await work();
  const { body } = await control.get("/control/meter");
  const names = ["firestore.Commit", "firestore.BatchGetDocuments", "firestore.RunQuery", "pubsub.Publish"];
  return names
    .filter((name) => body.rpcs[name] !== undefined)
    .map((name) => `${name.split(".")[1]} ${number(body.rpcs[name] / requests, 2)}`)
    .join(", ");
}

async function alternate(
  ours: () => Promise<Measured>,
  theirs: () => Promise<Measured>,
): Promise<{ ours: Row; theirs: Row }> {
  const a: Row[] = [];
  const b: Row[] = [];
  for (let round = 0; round < rounds; round += 1) {
    a.push(rowOf(await ours()));
    b.push(rowOf(await theirs()));
    b.push(rowOf(await theirs()));
    a.push(rowOf(await ours()));
  }
  return { ours: medianRow(a), theirs: medianRow(b) };
}

const ratios: string[] = [];

const HELD_MS = 4_000;

/**
 * Holds deliveries to the background back while the API is measured: in the cloud those run on machines
 * of their own, here they would be measured along.
 */
async function holdDeliveries(suite: LocalSuite): Promise<() => Promise<void>> {
  const control = createApiClient(suite.consoleUrl, {});
  await control.post("/control/faults", {
    service: "pubsub",
    method: "Push",
    kind: "slow",
    ms: HELD_MS,
    count: 1e9,
  });
  return async () => {
    await control.delete("/control/faults");
  };
}

async function benchAppends(suite: LocalSuite, api: Api): Promise<void> {
  const chats: number[] = [];
  for (let index = 0; index < CHATS; index += 1) {
    const { body } = await api.post("/v1/apps/demo/chats", { kind: "group" });
    chats.push(Number(body.number));
  }
  const path = (chat: number | undefined): string => `/v1/apps/demo/chats/${chat}/messages`;
  for (const chat of chats) await api.post(path(chat), { text: TEXT });
  for (const [shape, count] of [
    ["one", 1],
    ["many", CHATS],
  ] as const) {
    for (const concurrency of [1, 16, 64]) {
      const total = Math.round((concurrency === 1 ? 600 : 4000) * scale);
      const append = async (index: number): Promise<void> => {
        await api.post(path(chats[index % count]), { text: TEXT });
      };
      const run = (): Promise<Measured> => closedLoop(concurrency, total, suite.directPid, append);
      await run();
      const rpcs = await rpcsOf(suite, total, run);
      const { ours, theirs } = await alternate(run, () =>
        bare(suite.env, `append-${shape}`, concurrency, total),
      );
      report(`append, ${shape} chat${count > 1 ? "s" : ""}, ${concurrency} at once`, ours, rpcs);
      report(`  bare commit + publish`, theirs, "Commit 1.00");
      ratios.push(
        `append, ${shape}, ${concurrency}: CPU ${number(ours.cpuMicros / theirs.cpuMicros, 2)}× of bare, throughput ${number(ours.perSecond / theirs.perSecond, 2)}×`,
      );
    }
  }
  const rate = 150;
  const open = await openLoop(
    rate,
    Math.round(1500 * scale),
    suite.directPid,
    seededRandom(SEED),
    async (index) => {
      await api.post(path(chats[index % CHATS]), { text: TEXT });
    },
  );
  report(`append, many chats, ${rate}/s open loop`, rowOf(open), "");
}

async function untilDelivered(suite: LocalSuite): Promise<void> {
  const control = createApiClient(suite.consoleUrl, {});
  for (;;) {
    const { body } = await control.get("/control/queues");
    const pushed = body.subscriptions.filter(({ pushEndpoint }: { pushEndpoint?: string }) => pushEndpoint);
    if (pushed.every((one: { backlog: number; outstanding: number }) => one.backlog + one.outstanding === 0))
      return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** How fast the background works off what the appends have left: every message counted once. */
async function benchBackground(suite: LocalSuite, api: Api): Promise<void> {
  const operator = createApiClient(suite.api, { authorization: `Bearer ${suite.operatorKey}` });
  const counted = async (): Promise<number> => {
    const { body } = await operator.get("/v1/apps/demo/usage");
    return body.data.reduce((sum: number, day: { messages: number }) => sum + day.messages, 0);
  };
  const total = Math.round(2000 * scale);
  await untilDelivered(suite);
  const before = await counted();
  const { body: list } = await api.get("/v1/apps/demo/chats?limit=100");
  const paths = (list.data as { number: number }[]).map(
    ({ number: chat }) => `/v1/apps/demo/chats/${chat}/messages`,
  );
  const startedMs = performance.now();
  // Through hosting, so that appends and deliveries are answered by different processes.
  const front = lightClient(suite.api, api.token);
  await closedLoop(32, total, suite.directPid, async (index) => {
    await front.post(paths[index % paths.length] ?? "", { text: TEXT });
  });
  while ((await counted()) < before + total) await new Promise((resolve) => setTimeout(resolve, 20));
  const seconds = (performance.now() - startedMs) / 1000;
  console.error(`  background: ${number(total / seconds, 0)} messages/s appended and handled`);
  ratios.push(`background: ${number(total / seconds, 0)} messages/s appended over 100 chats and counted`);
}

async function benchPages(suite: LocalSuite, api: Api): Promise<void> {
  const { body: chat } = await api.post("/v1/apps/demo/chats", { kind: "group" });
  const path = `/v1/apps/demo/chats/${chat.number}/messages`;
  await closedLoop(64, 10_000, suite.directPid, async () => {
    await api.post(path, { text: TEXT });
  });
  const total = Math.round(800 * scale);
  const run = (): Promise<Measured> =>
    closedLoop(16, total, suite.directPid, async (index) => {
      await api.get(`${path}?before=${10_001 - ((index * 37) % 9_900)}`);
    });
  await run();
  const rpcs = await rpcsOf(suite, total, run);
  const { ours, theirs } = await alternate(run, () => bare(suite.env, "page", 16, total));
  report("page of 50 in a chat of 10,000, 16 at once", ours, rpcs);
  report("  bare get + query of 50", theirs, "");
  ratios.push(`page: CPU ${number(ours.cpuMicros / theirs.cpuMicros, 2)}× of bare`);
}

async function main(): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), "scrollback-bench-"));
  const portBase = Number(values["port-base"]);
  try {
    let suite = await startLocalSuite(portBase, dataDir);
    const firstStartMs = suite.startMs;
    await suite.stop("SIGKILL");
    suite = await startLocalSuite(portBase, dataDir);
    console.error(
      `started: first ${number(firstStartMs, 0)} ms, again after kill -9 ${number(suite.startMs, 0)} ms`,
    );
    await liftLimits(createApiClient(suite.api, { authorization: `Bearer ${suite.operatorKey}` }), "demo");
    const api = lightClient(suite.direct, await signInOn(suite, "bench-appends@example.test"));
    const release = await holdDeliveries(suite);
    await benchAppends(suite, api);
    await release();
    await benchBackground(suite, api);
    await benchPages(suite, lightClient(suite.direct, await signInOn(suite, "bench-pages@example.test")));
    const signIns = await closedLoop(4, Math.round(100 * scale), suite.directPid, async (index) => {
      await signInOn(suite, `person-${index}@example.test`);
    });
    report("sign-in, mail included, 4 at once", rowOf(signIns), "");
    await suite.stop("SIGTERM");
    printTable(firstStartMs, suite.startMs);
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
}

function printTable(firstStartMs: number, startMs: number): void {
  const rows = [["", "p50 ms", "p95 ms", "p99 ms", "per s", "CPU µs", "calls per request"], ...table];
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  for (const row of rows) {
    console.log(
      row
        .map((cell, column) =>
          column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
        )
        .join("  "),
    );
  }
  console.log(
    `\nStart to first answer: ${number(firstStartMs, 0)} ms empty, ${number(startMs, 0)} ms after kill -9.`,
  );
  console.log(`\nBeside the bare calls:\n${ratios.map((line) => `  ${line}`).join("\n")}`);
  console.log(
    "\nFirestore emulator: SQLite, WAL, synchronous=NORMAL, group commit (kill -9 safe). Closed loops but where said.",
  );
}

if (positionals[0] === "emulators") await import("./emulators.ts");
else await main();
