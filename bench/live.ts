import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { Agent, request } from "node:http";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs, promisify } from "node:util";
import { createApiClient } from "../shared/testing/api-client.ts";
import { liftLimits } from "../shared/testing/lift-limits.ts";
import { seededRandom } from "../shared/testing/seeded-random.ts";
import { type LocalSuite, signInOn, startLocalSuite } from "./local-suite.ts";
import { cpuOf, openLoop, rowOf } from "./measure.ts";

/**
 * `node bench/live.ts [--streams 1000] [--seconds 20]`: many open streams on one instance and a steady flow
 * of messages: how long from when a message was due to be sent until it has reached a reader, and what a
 * stream costs in memory; beside the same load on a server built with Express, Socket.IO and Redis
 * (bench/peers/socket-io). Without a redis-server on the machine the peer is left out.
 */
const { values } = parseArgs({
  options: {
    streams: { type: "string", default: "1000" },
    seconds: { type: "string", default: "20" },
    "port-base": { type: "string", default: "22000" },
  },
});
const STREAMS = Number(values.streams);
const PER_CHAT = 10;
const CHATS = STREAMS / PER_CHAT;
const PER_SECOND = 50;
const MESSAGES = PER_SECOND * Number(values.seconds);
const SEED = 3;
/** Streams are open and nothing is said: heartbeats, and who is there. */
const SILENT_MS = 30_000;
const PORT = Number(values["port-base"]);

/** A chat server with readers on it: told of each message that reaches one. */
interface Candidate {
  readonly name: string;
  readonly pid: number;
  /** Opens a stream for each reader of each chat. */
  open(received: (text: string) => void): Promise<void>;
  send(chat: number, text: string): Promise<void>;
  stop(): Promise<void>;
}

const rssMib = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? Number.NaN) / 1024;

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function measure(candidate: Candidate): Promise<string[]> {
  const dueMs = new Map<string, number>();
  const sentMs = new Map<string, number>();
  const latencies: number[] = [];
  const afterAnswer: number[] = [];
  let received = 0;
  const before = rssMib(candidate.pid);
  await candidate.open((text) => {
    received += 1;
    const due = dueMs.get(text);
    if (due === undefined) return;
    const now = performance.now();
    latencies.push(now - due);
    afterAnswer.push(now - (sentMs.get(text) ?? now));
  });
  await sleep(2_000);
  const after = rssMib(candidate.pid);
  const silentBefore = cpuOf(candidate.pid);
  await sleep(SILENT_MS);
  const silent = (cpuOf(candidate.pid) - silentBefore) / SILENT_MS;
  const cpuBefore = cpuOf(candidate.pid);
  const startedMs = performance.now();
  await openLoop(PER_SECOND, MESSAGES, candidate.pid, seededRandom(SEED), async (index) => {
    const text = `message ${index}`;
    dueMs.set(text, performance.now());
    await candidate.send(index % CHATS, text);
    sentMs.set(text, performance.now());
  });
  const isComplete = (): boolean => received >= MESSAGES * PER_CHAT;
  for (const until = performance.now() + 5_000; !isComplete() && performance.now() < until;) await sleep(50);
  const cpu = (cpuOf(candidate.pid) - cpuBefore) / (performance.now() - startedMs);
  const row = rowOf({ latencies, wallMs: 1, cpuMs: 0 });
  const later = rowOf({ latencies: afterAnswer, wallMs: 1, cpuMs: 0 });
  return [
    candidate.name,
    `${received} of ${MESSAGES * PER_CHAT}`,
    ...[row.p50, row.p95, row.p99, later.p95].map((ms) => ms.toFixed(1)),
    (((after - before) * 1024) / STREAMS).toFixed(0),
    `${(cpu * 100).toFixed(0)} %`,
    `${(silent * 100).toFixed(1)} %`,
  ];
}

async function scrollback(suite: LocalSuite): Promise<Candidate> {
  const operator = createApiClient(suite.api, { authorization: `Bearer ${suite.operatorKey}` });
  await liftLimits(operator, "demo");
  const token = await signInOn(suite, "reader@bench.test");
  const owner = createApiClient(suite.direct, { authorization: `Bearer ${token}` });
  const chats: number[] = [];
  for (let index = 0; index < CHATS; index += 1) {
    const { body } = await owner.post("/v1/apps/demo/chats", { kind: "group" });
    chats.push(body.number);
    await owner.post(`/v1/apps/demo/chats/${body.number}/messages`, { text: "First" });
  }
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  const headers = { authorization: `Bearer ${token}` };
  const url = new URL(suite.direct);
  const target = { host: url.hostname, port: url.port, headers };
  const openOne = (chat: number, received: (text: string) => void): Promise<void> =>
    new Promise((resolve, reject) => {
      const path = `/live/v1/apps/demo/chats/${chat}/events`;
      const opened = request({ ...target, path, agent: false }, (response) => {
        if (response.statusCode !== 200) {
          reject(new Error(`A stream was answered ${response.statusCode}.`));
          return;
        }
        response.setEncoding("utf8");
        let rest = "";
        response.on("data", (chunk: string) => {
          const blocks = (rest + chunk).split("\n\n");
          rest = blocks.pop() ?? "";
          for (const block of blocks) {
            const data = /^data: (.*)$/m.exec(block)?.[1];
            if (block.includes("event: message.created") && data !== undefined) {
              received(JSON.parse(data).message.text);
            }
          }
        });
        resolve();
      });
      opened.on("error", reject).end();
    });
  return {
    name: "Scrollback",
    pid: suite.directPid,
    async open(received) {
      for (const chat of chats) {
        await Promise.all(Array.from({ length: PER_CHAT }, () => openOne(chat, received)));
      }
    },
    send: (chat, text) =>
      new Promise((resolve, reject) => {
        const path = `${url.pathname}/v1/apps/demo/chats/${chats[chat]}/messages`;
        const payload = JSON.stringify({ text });
        const sent = request(
          {
            ...target,
            agent,
            path,
            method: "POST",
            headers: { ...headers, "content-type": "application/json", "content-length": payload.length },
          },
          (response) => {
            response.resume();
            response.on("end", () =>
              response.statusCode === 201 ? resolve() : reject(new Error(`${response.statusCode}`)),
            );
          },
        );
        sent.on("error", reject).end(payload);
      }),
    stop: () => suite.stop("SIGTERM"),
  };
}

interface PeerClient {
  (url: string, options: object): PeerSocket;
}
interface PeerSocket {
  on(event: string, listen: (message: { text: string }) => void): void;
  emit(event: string, chat: number, done: () => void): void;
  close(): void;
}

const PEER = "bench/peers/socket-io";

async function socketIo(): Promise<Candidate | undefined> {
  const run = promisify(execFile);
  const hasRedis = await run("redis-server", ["--version"]).then(
    () => true,
    () => false,
  );
  if (!hasRedis) return undefined;
  await run("npm", ["install", "--no-audit", "--no-fund", "--no-save"], { cwd: PEER });
  const dataDir = mkdtempSync(join(tmpdir(), "scrollback-redis-"));
  const redis = spawn(
    "redis-server",
    ["--port", String(PORT + 91), "--dir", dataDir, "--appendonly", "yes", "--save", ""],
    { stdio: "ignore" },
  );
  await sleep(500);
  const server: ChildProcess = spawn(process.execPath, ["server.js", String(PORT + 90), String(PORT + 91)], {
    cwd: PEER,
    stdio: ["ignore", "pipe", "inherit"],
  });
  await new Promise((resolve) => server.stdout?.once("data", resolve));
  const { io } = createRequire(join(process.cwd(), PEER, "package.json"))("socket.io-client") as {
    io: PeerClient;
  };
  const url = `http://127.0.0.1:${PORT + 90}`;
  const sockets: PeerSocket[] = [];
  const client = createApiClient(url, {});
  return {
    name: "Express, Socket.IO, Redis",
    pid: server.pid ?? 0,
    async open(received) {
      for (let chat = 0; chat < CHATS; chat += 1) {
        await Promise.all(
          Array.from({ length: PER_CHAT }, () => {
            const socket = io(url, { transports: ["websocket"], forceNew: true });
            sockets.push(socket);
            socket.on("message.created", ({ text }) => received(text));
            return new Promise<void>((resolve) => socket.emit("join", chat, resolve));
          }),
        );
      }
    },
    async send(chat, text) {
      await client.post(`/chats/${chat}/messages`, { text });
    },
    async stop() {
      for (const socket of sockets) socket.close();
      server.kill();
      redis.kill();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

async function main(): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), "scrollback-live-"));
  const columns = [
    "",
    "received",
    "p50 ms",
    "p95",
    "p99",
    "p95 after the answer",
    "KiB a stream",
    "CPU",
    "CPU in silence",
  ];
  const table: string[][] = [columns];
  for (const open of [socketIo, async () => scrollback(await startLocalSuite(PORT, dataDir))]) {
    const candidate = await open();
    if (candidate === undefined) {
      console.error("Without redis-server there is no peer to compare with.");
      continue;
    }
    try {
      table.push(await measure(candidate));
    } finally {
      await candidate.stop();
    }
  }
  rmSync(dataDir, { recursive: true, force: true });
  for (const [index, row] of table.entries()) {
    console.log(`| ${row.join(" | ")} |`);
    if (index === 0) console.log(`|${row.map(() => "---").join("|")}|`);
  }
  process.exit();
}

await main();
