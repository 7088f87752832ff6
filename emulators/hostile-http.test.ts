import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createControl } from "./local/control/server.ts";
import { createLogBook } from "./local/function-host/log-book.ts";
import { readHostingRules } from "./local/hosting/rewrites.ts";
import { createHosting, type Hosting } from "./local/hosting/server.ts";
import { type LoopbackServer, serveLoopback } from "./loopback.ts";
import { type Suite, startSuite } from "./suite.ts";

/**
 * What anyone who reaches the HTTP ports may send: to Storage, Auth, Push, and the port on which hosting and the
 * control API are. Nothing of it may be answered with a failure of the emulator's own, or end the process.
 */
const MEBIBYTE = 1024 * 1024;
const OBJECT = "0123456789";

let folder: string;
let suite: Suite;
let hosting: Hosting;
let site: LoopbackServer;
let ports: Readonly<Record<"storage" | "auth" | "push" | "trace" | "site", number>>;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "hostile-"));
  writeFileSync(join(folder, "index.html"), "<!doctype html><title>Home</title>");
  suite = await startSuite({ project: "hostile", dataDir: undefined });
  const app = { id: "demo", token: undefined };
  const control = createControl({
    suite,
    logs: createLogBook(() => 0),
    info: () => ({ api: "", projectId: "hostile", operatorKey: "", app, ports: suite.ports }),
    setFunctionsClock: async () => undefined,
    pagePorts: () => [],
  });
  const rewrites = [{ source: "/v1/**", run: { serviceId: "api" } }];
  hosting = createHosting({
    rules: readHostingRules({ hosting: { public: ".", rewrites } }),
    publicFolder: folder,
    functionsPort: () => undefined,
    controlUrl: () => "http://127.0.0.1:1",
  });
  site = await serveLoopback(0, (request, response) => {
    if (!control(request, response)) hosting.listener(request, response);
  });
  const { storage, auth, push, trace } = suite.ports;
  ports = { storage, auth, push, trace, site: site.port };
  await fetch(`http://127.0.0.1:${ports.storage}/storage/v1/b?project=hostile`, {
    method: "POST",
    body: JSON.stringify({ name: "bucket" }),
  });
  await upload("object", OBJECT);
});
afterAll(async () => {
  await site.close();
  hosting.close();
  await suite.stop();
  rmSync(folder, { recursive: true });
});

const upload = (name: string, body: string): Promise<Response> =>
  fetch(`http://127.0.0.1:${ports.storage}/upload/storage/v1/b/bucket/o?uploadType=media&name=${name}`, {
    method: "POST",
    body,
  });

/** Sends these bytes and nothing more: the status that is answered; 0 where the connection just ends. */
function statusOf(port: number, bytes: string | Buffer): Promise<number> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    let answer = "";
    socket.on("data", (chunk: Buffer) => {
      if (answer.length < 64) answer += chunk.toString("latin1");
    });
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0)));
    socket.end(bytes);
  });
}

const request = (line: string, headers: readonly string[] = [], body: string | Buffer = ""): Buffer => {
  const own = headers.some((header) => /^host:/i.test(header)) ? [] : ["Host: 127.0.0.1"];
  const length = headers.some((header) => /^(content-length|transfer-encoding):/i.test(header))
    ? []
    : [`Content-Length: ${Buffer.byteLength(body)}`];
  const head = [`${line} HTTP/1.1`, ...own, "Connection: close", ...length, ...headers].join("\r\n");
  return Buffer.concat([Buffer.from(`${head}\r\n\r\n`, "latin1"), Buffer.from(body)]);
};

/** Those of the requests that were answered with a failure of the emulator's own. */
async function failuresOf(port: number, requests: readonly (string | Buffer)[]): Promise<string[]> {
  const failures: string[] = [];
  for (const each of requests) {
    const status = await statusOf(port, each);
    if (status === 500) failures.push(each.toString("latin1").slice(0, 200));
  }
  return failures;
}

/** Whether an honest caller is served by all. */
async function honestCalls(): Promise<number[]> {
  const urls = [
    `http://127.0.0.1:${ports.storage}/storage/v1/b/bucket/o/object?alt=media`,
    `http://127.0.0.1:${ports.auth}/`,
    `http://127.0.0.1:${ports.push}/`,
    `http://127.0.0.1:${ports.trace}/`,
    `http://127.0.0.1:${ports.site}/control/info`,
    `http://127.0.0.1:${ports.site}/`,
  ];
  const answers = await Promise.all(urls.map((url) => fetch(url)));
  for (const answer of answers) await answer.arrayBuffer();
  return answers.map(({ status }) => status);
}
const ALL_SERVED = [200, 200, 200, 200, 200, 200];

const NAMES = ["storage", "auth", "push", "trace", "site"] as const;

const PATHS = [
  "/",
  "//",
  "///etc/passwd",
  "*",
  "http://[",
  "http://x:y@z/%",
  "/%",
  "/%zz",
  "/%ff%fe",
  "/%00",
  "/..%2f..%2f..%2fetc%2fpasswd",
  "/../../../etc/passwd",
  "/?%",
  "/?a=%ff&a=%&=",
  "/control/%",
  "/control/mail/%ff",
  "/control/queues?%",
  "/v1/%",
  "/storage/v1/b/%",
  "/storage/v1/b/bucket/o/%",
  "/storage/v1/b/bucket/o/%ff%fe?alt=media",
  "/storage/v1/b/bucket/o/a%2",
  "/storage/v1/b/bucket/o?maxResults=x&pageToken=%",
  "/storage/v1/b/bucket/o?fields=items((((",
  "/storage/v1/b/bucket/o?pageToken=!!!!&maxResults=-1",
  "/storage/v1/b/bucket/o/object?generation=x",
  "/storage/v1/b/bucket/o/object?ifGenerationMatch=99999999999999999999",
  "/upload/storage/v1/b/bucket/o?uploadType=resumable&upload_id=%",
  "/upload/storage/v1/b/bucket/o?uploadType=multipart",
  "/upload/storage/v1/b/%/o?uploadType=media&name=%",
  "/batch/storage/v1",
  "/bucket/%",
  "/bucket/object?X-Goog-Signature=%&X-Goog-Algorithm=x",
  "/bucket?uploads&prefix=%",
  "/identitytoolkit.googleapis.com/v1/projects/%/accounts:query",
  "/identitytoolkit.googleapis.com/v1/accounts:signUp?key=%",
  "/identitytoolkit.googleapis.com/v1/projects/hostile/tenants/%zz/accounts",
  "/securetoken.googleapis.com/v1/token?key=x",
  "/emulator/action?mode=x&oobCode=%",
  "/emulator/v1/projects/%/accounts",
  "/emulator/v1/projects/p/tokens/%zz",
  "/v1/projects/%/messages:send",
  `/${"a".repeat(8_000)}`,
  `/control/${"%41".repeat(2_000)}`,
];
const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "TRACE", "PROPFIND"];

test("paths that mean nothing and wrong percent-encodings are refused, whatever the method", async () => {
  for (const name of NAMES) {
    const requests = METHODS.flatMap((method) => PATHS.map((path) => request(`${method} ${path}`)));
    expect([name, await failuresOf(ports[name], requests)]).toEqual([name, []]);
  }
  expect(await honestCalls()).toEqual(ALL_SERVED);
});

test("what is no HTTP, or contradicts itself, ends its own connection at most", async () => {
  const chunked = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  const requests = [
    "",
    "\r\n\r\n\r\n",
    "GET / HTTP/9.9\r\n\r\n",
    "GET / HTTP/1.1\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: [\r\nConnection: close\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a b\r\nHost: c\r\n\r\n",
    "GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n",
    "CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: x\r\nExpect: miracles\r\nContent-Length: 0\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\nshort",
    `${chunked}zz\r\n`,
    `${chunked}ffffffffffffffff\r\nabc`,
    `GET / HTTP/1.1\r\nHost: x\r\nX: ${"y".repeat(100_000)}\r\n\r\n`,
    `GET / HTTP/1.1\r\nHost: x\r\n${"X: y\r\n".repeat(5_000)}\r\n`,
    Buffer.from(Array.from({ length: 2_000 }, (_, index) => (index * 167 + 13) & 0xff)),
  ];
  for (const name of NAMES) {
    expect([name, await failuresOf(ports[name], requests)]).toEqual([name, []]);
  }
  expect(await honestCalls()).toEqual(ALL_SERVED);
});

const DOORS: Readonly<Record<(typeof NAMES)[number], readonly string[]>> = {
  storage: [
    "POST /storage/v1/b?project=hostile",
    "PATCH /storage/v1/b/bucket",
    "PATCH /storage/v1/b/bucket/o/object",
    "POST /storage/v1/b/bucket/o/object/compose",
    "POST /storage/v1/b/bucket/notificationConfigs",
    "POST /upload/storage/v1/b/bucket/o?uploadType=resumable&name=a",
    "POST /upload/storage/v1/b/bucket/o?uploadType=multipart",
    "POST /batch/storage/v1",
    "POST /bucket/object?uploads",
    "PUT /bucket?cors",
  ],
  auth: [
    "POST /identitytoolkit.googleapis.com/v1/accounts:signUp?key=x",
    "POST /identitytoolkit.googleapis.com/v1/accounts:signInWithPassword?key=x",
    "POST /identitytoolkit.googleapis.com/v1/accounts:signInWithIdp?key=x",
    "POST /identitytoolkit.googleapis.com/v1/projects/hostile/accounts:batchCreate",
    "POST /identitytoolkit.googleapis.com/v1/projects/hostile/accounts:query",
    "POST /securetoken.googleapis.com/v1/token?key=x",
    "PATCH /emulator/v1/projects/hostile/config",
  ],
  push: ["POST /v1/projects/hostile/messages:send", "DELETE /emulator/v1/projects/hostile/tokens/a"],
  trace: ["POST /v1/traces", "POST /v1/metrics"],
  site: [
    "POST /control/clock",
    "POST /control/faults",
    "POST /control/tasks/a/run",
    "DELETE /control/faults",
    "POST /v1/x",
  ],
};
const BODIES = [
  "null",
  "[]",
  "3",
  '"text"',
  "{",
  "\0\x01\x02",
  '{"__proto__":{"polluted":true}}',
  `${"[".repeat(100_000)}${"]".repeat(100_000)}`,
  '{"name":3,"email":[],"password":{},"localId":null,"users":{},"cors":3,"lifecycle":[],"labels":"x"}',
  '{"sourceObjects":[{"name":3}],"destination":[],"idToken":"a.b.c","refresh_token":{},"grant_type":[]}',
  '{"advanceMs":"x","service":[],"method":{},"kind":"never","count":-1}',
];
const TYPES = [
  "application/json",
  "multipart/related",
  "multipart/related; boundary=",
  "multipart/mixed; boundary=\0",
  "application/x-www-form-urlencoded",
  "text/plain; charset=\xff",
];

test("bodies of the wrong kind are refused at every door", async () => {
  for (const name of NAMES) {
    const requests = DOORS[name].flatMap((door) =>
      BODIES.flatMap((body, i) => {
        const type = TYPES[i % TYPES.length] ?? "";
        return [
          request(door, ["Authorization: Bearer owner", "Content-Type: application/json"], body),
          request(door, ["Authorization: Bearer owner", `Content-Type: ${type}`], body),
        ];
      }),
    );
    expect([name, await failuresOf(ports[name], requests)]).toEqual([name, []]);
  }
  expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  expect(await honestCalls()).toEqual(ALL_SERVED);
});

test("ranges that are none are answered as HTTP says, and give out nothing else", async () => {
  const url = `http://127.0.0.1:${ports.storage}/storage/v1/b/bucket/o/object?alt=media`;
  const ranges = ["bytes=9-1", "bytes=", "bytes=-", "bytes=x-y", "lines=1-2", "bytes=-99999999999999999999"];
  const many = `bytes=${Array.from({ length: 1_000 }, (_, index) => `${index}-`).join(",")}`;
  for (const range of [...ranges, "bytes=99-", "bytes=99999999999999999999-", "bytes=0-0,0-0", many]) {
    const answer = await fetch(url, { headers: { range } });
    expect([range, [200, 206, 416].includes(answer.status)]).toEqual([range, true]);
    const body = await answer.text();
    expect([range, answer.status === 416 || OBJECT.includes(body)]).toEqual([range, true]);
  }
  const begin = `POST /upload/storage/v1/b/bucket/o?uploadType=resumable&name=ranges`;
  expect(await statusOf(ports.storage, request(begin, [], "{}"))).toBe(200);
  const started = await fetch(
    `http://127.0.0.1:${ports.storage}/upload/storage/v1/b/bucket/o?uploadType=resumable&name=ranges`,
    { method: "POST", body: "{}" },
  );
  const session = new URL(started.headers.get("location") ?? "");
  const contents = [
    "bytes */x",
    "bytes 5-1/3",
    "bytes 0-2/1",
    "bytes -1-2/3",
    "x",
    "bytes 7-9/10",
    "bytes */-1",
  ];
  const requests = contents.map((range) =>
    request(`PUT ${session.pathname}${session.search}`, [`Content-Range: ${range}`], "abc"),
  );
  expect(await failuresOf(ports.storage, requests)).toEqual([]);
  expect(await honestCalls()).toEqual(ALL_SERVED);
});

/** Sends a body of 40 MiB in chunks, as fast as it is taken. */
function statusOfEndless(port: number, door: string): Promise<number> {
  const chunk = Buffer.concat([Buffer.from("100000\r\n"), Buffer.alloc(MEBIBYTE, " "), Buffer.from("\r\n")]);
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    let answer = "";
    let left = 40;
    const send = (): void => {
      while (left > 0) {
        left -= 1;
        if (!socket.write(chunk)) return;
      }
      socket.end("0\r\n\r\n");
    };
    socket.on("drain", send).on("error", () => undefined);
    socket.on("data", (bytes: Buffer) => {
      answer += bytes.toString("latin1");
    });
    socket.on("close", () => resolve(Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0)));
    socket.write(request(door, ["Content-Type: application/json", "Transfer-Encoding: chunked"]));
    send();
  });
}

test("bodies that never end keep nobody waiting, and bodies beyond a limit are not kept", async () => {
  const stalled = NAMES.flatMap((name) =>
    Array.from({ length: 50 }, (_, index) => {
      const door = DOORS[name][index % DOORS[name].length] ?? "";
      const socket = connect(ports[name], "127.0.0.1").on("error", () => undefined);
      socket.write(request(door, ["Content-Type: application/json", "Content-Length: 1000"], "{"));
      return socket;
    }),
  );
  expect(await honestCalls()).toEqual(ALL_SERVED);
  for (const socket of stalled) socket.destroy();
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const live = (): number => {
    // What the first finds is freed on another thread; the second waits for that.
    collect();
    collect();
    const { heapUsed, external } = process.memoryUsage();
    return (heapUsed + external) / MEBIBYTE;
  };
  const before = live();
  for (const name of NAMES) {
    const status = await statusOfEndless(ports[name], DOORS[name][0] ?? "");
    expect([name, [0, 400, 413, 502].includes(status)]).toEqual([name, true]);
  }
  // All four kept would be 160.
  expect(live() - before).toBeLessThan(40);
  expect(await honestCalls()).toEqual(ALL_SERVED);
});
