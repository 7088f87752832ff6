import { type ClientHttp2Session, type ClientHttp2Stream, connect as connectHttp2 } from "node:http2";
import { connect, type Socket } from "node:net";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { gzipSync } from "node:zlib";
import { Client, credentials } from "@grpc/grpc-js";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { loadProtos } from "./kernel/protos.ts";
import { statusNumber } from "./kernel/status-error.ts";
import { type Suite, startSuite } from "./suite.ts";

/**
 * What anyone who reaches the ports may send. After each attack an honest call on a connection of its
 * own is answered: the suite is up, and nobody waits for the attacker. One file, as all ports get the same.
 */
const SERVICES = {
  firestore: ["@google-cloud/firestore-api", "google.firestore.v1.Firestore"],
  pubsub: ["@google-cloud/pubsub-api", "google.pubsub.v1.Subscriber"],
  tasks: ["@google-cloud/tasks", "google.cloud.tasks.v2.CloudTasks"],
} as const;
const NAMES = ["firestore", "pubsub", "tasks"] as const;
type Name = (typeof NAMES)[number];

const SEED = 20;
const MEBIBYTE = 1024 * 1024;
const OK = statusNumber("OK");
const ALL_SERVED = { firestore: OK, pubsub: OK, tasks: OK };
const DATABASE = "projects/hostile/databases/(default)";

let suite: Suite<Name>;
const sessions = new Set<ClientHttp2Session>();

beforeAll(async () => {
  suite = await startSuite({ project: "hostile", dataDir: undefined, only: NAMES });
});
afterEach(() => {
  for (const session of sessions) session.destroy();
  sessions.clear();
});
afterAll(() => suite.stop());

function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const randomBytes = (random: () => number, lengthMax: number): Buffer =>
  Buffer.from(Array.from({ length: Math.floor(random() * lengthMax) }, () => Math.floor(random() * 256)));

/** They are read once, as reading one takes longer than most of these tests. */
const ROOTS = {
  firestore: loadProtos(SERVICES.firestore[0]),
  pubsub: loadProtos(SERVICES.pubsub[0]),
  tasks: loadProtos(SERVICES.tasks[0]),
};

const encoded = (name: Name, type: string, message: object): Buffer =>
  Buffer.from(
    ROOTS[name]
      .lookupType(`${SERVICES[name][1].replace(/\.\w+$/, "")}.${type}`)
      .encode(message)
      .finish(),
  );

const HONEST: Readonly<Record<Name, readonly [rpc: string, type: string, request: object]>> = {
  firestore: ["ListCollectionIds", "ListCollectionIdsRequest", { parent: `${DATABASE}/documents` }],
  pubsub: ["ListSubscriptions", "ListSubscriptionsRequest", { project: "projects/hostile" }],
  tasks: ["ListQueues", "ListQueuesRequest", { parent: "projects/hostile/locations/here" }],
};

/** The status of an ordinary call through an ordinary client. */
function honestCall(name: Name): Promise<number> {
  const [rpc, type, request] = HONEST[name];
  return callRaw(name, rpc, encoded(name, type, request)).then(({ code }) => code);
}

/** By name, what an honest caller of each service is answered just now. */
async function honestCalls(): Promise<Record<string, number>> {
  const codes = NAMES.map(async (name) => [name, await honestCall(name)] as const);
  return Object.fromEntries(await Promise.all(codes));
}

/** The path of an RPC of the service that is attacked, or of another that is named in full. */
const pathOf = (name: Name, rpc: string): string =>
  rpc.includes("/") ? `/${rpc}` : `/${SERVICES[name][1]}/${rpc}`;

/** One call with these bytes as its message. */
async function callRaw(
  name: Name,
  rpc: string,
  bytes: Buffer,
): Promise<{ readonly code: number; readonly details: string }> {
  const client = new Client(`127.0.0.1:${suite.ports[name]}`, credentials.createInsecure(), {
    "grpc.use_local_subchannel_pool": 1,
  });
  const same = (buffer: Buffer): Buffer => buffer;
  const answer = await new Promise<{ code: number; details: string }>((resolve) => {
    const stream = client.makeBidiStreamRequest(pathOf(name, rpc), same, same);
    stream.on("data", () => undefined).on("error", () => undefined);
    stream.on("status", resolve);
    stream.write(bytes);
    stream.end();
  });
  client.close();
  return answer;
}

/** A message as gRPC frames it, or as it pretends to. */
function framed(bytes: Buffer, { length = bytes.length, compressed = false } = {}): Buffer {
  const head = Buffer.alloc(5);
  head[0] = compressed ? 1 : 0;
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, bytes]);
}

async function openSession(name: Name, settings = {}): Promise<ClientHttp2Session> {
  const session = connectHttp2(`http://127.0.0.1:${suite.ports[name]}`, { settings });
  session.on("error", () => undefined);
  sessions.add(session);
  await new Promise((resolve) => session.once("remoteSettings", resolve));
  return session;
}

function openStream(session: ClientHttp2Session, name: Name, rpc: string, headers = {}): ClientHttp2Stream {
  const stream = session.request({
    ":method": "POST",
    ":path": `/${SERVICES[name][1]}/${rpc}`,
    "content-type": "application/grpc",
    te: "trailers",
    ...headers,
  });
  return stream.on("error", () => undefined);
}

/** The status that the server ends a stream with. */
const statusOf = (stream: ClientHttp2Stream): Promise<number> =>
  new Promise((resolve) => {
    const read = (headers: Record<string, unknown>): void => {
      if (headers["grpc-status"] !== undefined) resolve(Number(headers["grpc-status"]));
    };
    stream.on("response", read).on("trailers", read).resume();
  });

const opened = (socket: Socket): Promise<unknown> =>
  new Promise((resolve) => socket.on("error", () => undefined).once("connect", resolve));
const closed = (socket: Socket): Promise<unknown> =>
  socket.closed ? Promise.resolve() : new Promise((resolve) => socket.once("close", resolve));

const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

test("random bytes, behind HTTP/2's preface or not, end their own connection at most", async () => {
  const random = randomFrom(SEED);
  for (const name of NAMES) {
    const sockets: Socket[] = [];
    for (let i = 0; i < 60; i += 1) {
      const socket = connect(suite.ports[name], "127.0.0.1");
      sockets.push(socket);
      await opened(socket);
      if (random() < 0.6) socket.write(PREFACE);
      socket.end(randomBytes(random, 4_000));
      socket.resume();
    }
    for (const socket of sockets) socket.destroy();
  }
  expect(await honestCalls()).toEqual(ALL_SERVED);
});

test("HTTP/1.1 is answered or turned away", async () => {
  const requests = ["GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", "GET  HTTP\r\n\r\n"];
  for (const name of NAMES) {
    for (const request of requests) {
      const socket = connect(suite.ports[name], "127.0.0.1");
      await opened(socket);
      socket.resume().end(request);
      await closed(socket);
    }
  }
  expect(await honestCalls()).toEqual(ALL_SERVED);
});

test("messages of random bytes are refused by every RPC, and none makes it fail", async () => {
  const random = randomFrom(SEED + 1);
  for (const name of NAMES) {
    for (const { name: rpc } of ROOTS[name].lookupService(SERVICES[name][1]).methodsArray) {
      const answers = await Promise.all(
        Array.from({ length: 12 }, () => callRaw(name, rpc, randomBytes(random, 60))),
      );
      const failures = answers.filter(({ details }) => details.startsWith("The emulator failed"));
      expect([rpc, failures]).toEqual([rpc, []]);
    }
  }
});

test("messages beyond the limit are refused, before they are held in memory", async () => {
  const bytes = gzipSync(Buffer.alloc(100 * MEBIBYTE));
  for (const name of NAMES) {
    const [rpc] = HONEST[name];
    const session = await openSession(name);
    const pretending = openStream(session, name, rpc);
    pretending.write(framed(Buffer.alloc(100), { length: 2 ** 32 - 1 }));
    expect(await statusOf(pretending)).toBe(statusNumber("RESOURCE_EXHAUSTED"));
    const bomb = openStream(session, name, rpc, { "grpc-encoding": "gzip" });
    bomb.end(framed(bytes, { compressed: true }));
    expect(await statusOf(bomb)).toBe(statusNumber("RESOURCE_EXHAUSTED"));
  }
});

test("connections and calls that never go on keep nobody waiting", async () => {
  const sockets: Socket[] = [];
  for (const name of NAMES) {
    for (let i = 0; i < 100; i += 1) {
      const socket = connect(suite.ports[name], "127.0.0.1");
      sockets.push(socket);
      await opened(socket);
      if (i % 2 === 0) socket.write(PREFACE.subarray(0, 10));
    }
    const session = await openSession(name);
    const [rpc, type, request] = HONEST[name];
    for (let i = 0; i < 200; i += 1) {
      const whole = framed(encoded(name, type, request));
      openStream(session, name, rpc).write(whole.subarray(0, i % whole.length));
    }
  }
  expect(await honestCalls()).toEqual(ALL_SERVED);
  for (const socket of sockets) socket.destroy();
});

/** What is in use once everything that can be freed has been. */
function liveMebibytes(): number {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / MEBIBYTE;
}

test("streams that are opened by the thousand and dropped leave nothing behind", async () => {
  const addTarget = {
    targetId: 1,
    query: { parent: `${DATABASE}/documents`, structuredQuery: { from: [{ collectionId: "c" }] } },
  };
  const listen = framed(encoded("firestore", "ListenRequest", { database: DATABASE, addTarget }));
  const round = async (): Promise<number> => {
    for (let connection = 0; connection < 4; connection += 1) {
      const session = await openSession("firestore");
      const answered: Promise<unknown>[] = [];
      for (let i = 0; i < 250; i += 1) {
        const stream = openStream(session, "firestore", "Listen");
        stream.write(listen);
        answered.push(new Promise((resolve) => stream.once("data", resolve)));
      }
      await Promise.all(answered);
      const gone = new Promise((resolve) => session.once("close", resolve));
      session.destroy();
      await gone;
      sessions.delete(session);
    }
    await honestCall("firestore");
    return liveMebibytes();
  };
  await round();
  const before = await round();
  const after = await round();
  expect(after - before).toBeLessThan(5);
});

const LARGE = "x".repeat(500_000);
const LARGE_COUNT = 30;

async function storeLarge(): Promise<void> {
  for (let i = 0; i < LARGE_COUNT; i += 1) {
    const fields = { text: { stringValue: LARGE } };
    const update = { name: `${DATABASE}/documents/large/${i}`, fields };
    const request = encoded("firestore", "CommitRequest", { database: DATABASE, writes: [{ update }] });
    expect((await callRaw("firestore", "Commit", request)).code).toBe(OK);
  }
}

/** Streams that have asked for 15 MB each, and read nothing of it. */
async function stalled(name: Name, rpc: string, requests: readonly Buffer[]): Promise<void> {
  const session = await openSession(name, { initialWindowSize: 1_000 });
  const streams = requests.map((request) => {
    const stream = openStream(session, name, rpc);
    stream.write(framed(request));
    return stream;
  });
  await Promise.all(streams.map((stream) => new Promise((resolve) => stream.once("response", resolve))));
}

const STALLED = 30;
const structuredQuery = { from: [{ collectionId: "large" }] };
const query = { parent: `${DATABASE}/documents`, structuredQuery };

test("queries whose readers stop reading read no more than they send, and the rest waits on disk", async () => {
  await storeLarge();
  const before = liveMebibytes();
  const request = encoded("firestore", "RunQueryRequest", query);
  const session = await openSession("firestore", { initialWindowSize: 1_000 });
  const streams = Array.from({ length: STALLED }, () => openStream(session, "firestore", "RunQuery"));
  for (const stream of streams) stream.end(framed(request));
  await Promise.all(streams.map((stream) => new Promise((resolve) => stream.once("response", resolve))));
  expect(await honestCalls()).toEqual(ALL_SERVED);
  expect(liveMebibytes() - before).toBeLessThan(100);
});

test("listeners that stop reading are told no more than they take, and the rest waits on disk", async () => {
  await storeLarge();
  const before = liveMebibytes();
  const listen = { database: DATABASE, addTarget: { targetId: 1, query } };
  const request = encoded("firestore", "ListenRequest", listen);
  await stalled("firestore", "Listen", Array(STALLED).fill(request));
  expect(await honestCalls()).toEqual(ALL_SERVED);
  expect(liveMebibytes() - before).toBeLessThan(100);
});

test("subscribers that stop reading are given no more than they take, and the rest waits on disk", async () => {
  const topic = "projects/hostile/topics/large";
  const call = async (rpc: string, type: string, request: object): Promise<void> => {
    expect((await callRaw("pubsub", rpc, encoded("pubsub", type, request))).code).toBe(OK);
  };
  await call("google.pubsub.v1.Publisher/CreateTopic", "Topic", { name: topic });
  const names = Array.from({ length: STALLED }, (_, i) => `projects/hostile/subscriptions/large-${i}`);
  for (const name of names) await call("CreateSubscription", "Subscription", { name, topic });
  for (let i = 0; i < LARGE_COUNT; i += 1) {
    const messages = [{ data: Buffer.from(LARGE) }];
    await call("google.pubsub.v1.Publisher/Publish", "PublishRequest", { topic, messages });
  }
  const before = liveMebibytes();
  const requests = names.map((subscription) =>
    encoded("pubsub", "StreamingPullRequest", { subscription, streamAckDeadlineSeconds: 60 }),
  );
  await stalled("pubsub", "StreamingPull", requests);
  expect(await honestCalls()).toEqual(ALL_SERVED);
  expect(liveMebibytes() - before).toBeLessThan(100);
});
