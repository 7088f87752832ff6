import { afterAll, beforeAll, expect, test } from "vitest";
import {
  failuresOf,
  HOSTILE_PATHS,
  HOSTILE_REQUESTS,
  liveMebibytes,
  METHODS,
  request,
  requestsWithHostileBodies,
  stallConnections,
  statusOf,
  statusOfEndless,
} from "./kernel/testing/hostile-http.ts";
import { type Suite, startSuite } from "./suite.ts";

/** What anyone who reaches the HTTP ports of Storage, Auth, Push and Trace may send. */
const OBJECT = "0123456789";
const NAMES = ["storage", "auth", "push", "trace"] as const;

let suite: Suite<(typeof NAMES)[number]>;
let ports: Suite["ports"];

beforeAll(async () => {
  suite = await startSuite({ project: "hostile", dataDir: undefined, only: NAMES });
  ports = suite.ports;
  await fetch(`http://127.0.0.1:${ports.storage}/storage/v1/b?project=hostile`, {
    method: "POST",
    body: JSON.stringify({ name: "bucket" }),
  });
  await upload("object", OBJECT);
});
afterAll(() => suite.stop());

const upload = (name: string, body: string): Promise<Response> =>
  fetch(`http://127.0.0.1:${ports.storage}/upload/storage/v1/b/bucket/o?uploadType=media&name=${name}`, {
    method: "POST",
    body,
  });

/** Whether an honest caller is served by all. */
async function honestCalls(): Promise<number[]> {
  const urls = [
    `http://127.0.0.1:${ports.storage}/storage/v1/b/bucket/o/object?alt=media`,
    `http://127.0.0.1:${ports.auth}/`,
    `http://127.0.0.1:${ports.push}/`,
    `http://127.0.0.1:${ports.trace}/`,
  ];
  const answers = await Promise.all(urls.map((url) => fetch(url)));
  for (const answer of answers) await answer.arrayBuffer();
  return answers.map(({ status }) => status);
}
const ALL_SERVED = [200, 200, 200, 200];

test("paths that mean nothing and wrong percent-encodings are refused, whatever the method", async () => {
  for (const name of NAMES) {
    const requests = METHODS.flatMap((method) => HOSTILE_PATHS.map((path) => request(`${method} ${path}`)));
    expect([name, await failuresOf(ports[name], requests)]).toEqual([name, []]);
  }
  expect(await honestCalls()).toEqual(ALL_SERVED);
});

test("what is no HTTP, or contradicts itself, ends its own connection at most", async () => {
  for (const name of NAMES) {
    expect([name, await failuresOf(ports[name], HOSTILE_REQUESTS)]).toEqual([name, []]);
  }
  expect(await honestCalls()).toEqual(ALL_SERVED);
});

const ENDPOINTS: Readonly<Record<(typeof NAMES)[number], readonly string[]>> = {
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
};
test("bodies of the wrong kind are refused at every endpoint", async () => {
  for (const name of NAMES) {
    const requests = requestsWithHostileBodies(ENDPOINTS[name]);
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

test("bodies that never end keep nobody waiting, and bodies beyond a limit are not kept", async () => {
  const breakOff = NAMES.map((name) => stallConnections(ports[name], ENDPOINTS[name]));
  expect(await honestCalls()).toEqual(ALL_SERVED);
  for (const end of breakOff) end();
  const before = liveMebibytes();
  for (const name of NAMES) {
    const status = await statusOfEndless(ports[name], ENDPOINTS[name][0] ?? "");
    expect([name, [0, 400, 413, 502].includes(status)]).toEqual([name, true]);
  }
  // All four kept would be 160.
  expect(liveMebibytes() - before).toBeLessThan(40);
  expect(await honestCalls()).toEqual(ALL_SERVED);
});
