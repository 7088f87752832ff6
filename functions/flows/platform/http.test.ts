import { connect } from "node:net";
import { describe, expect, test } from "vitest";
import { FAILURES } from "../../../shared/platform/errors.ts";
import { usePeople, useSystem } from "../../../shared/testing/use-system.ts";
import { BODY_BYTES_MAX } from "../../runtime/read-body.ts";
import manifest from "../../manifest.json" with { type: "json" };

const system = useSystem();
const [ada] = usePeople(system, "ada@example.test");

const chats = "/v1/apps/demo/chats";
type Problem = { status: number; headers: Headers; body: Record<string, unknown> };

function expectProblem({ status, headers, body }: Problem, expected: number, code: string): void {
  expect([status, body.code]).toEqual([expected, code]);
  expect(headers.get("content-type")).toBe("application/problem+json");
  expect(body).toMatchObject({
    type: `${system.url}/problems/${code}`,
    title: expect.any(String),
    status: expected,
    detail: expect.any(String),
    instance: expect.any(String),
    requestId: headers.get("x-request-id"),
  });
}

describe("every failure is a problem", () => {
  test("malformed JSON", async () => {
    for (const body of ["{", '{"kind":', "\u0000", '{"kind":"group","kind":"direct"}', '{"__proto__":{}}']) {
      expectProblem(await ada.api.post(chats, body), 400, "malformed_json");
    }
    expectProblem(await ada.api.post(chats, "[".repeat(100_000)), 400, "malformed_json");
  });

  test("a body that is no object", async () => {
    for (const body of ["[]", "null", '"text"', "7"]) {
      expectProblem(await ada.api.post(chats, body), 400, "invalid_request");
    }
  });

  test("bytes that are not UTF-8", async () => {
    const response = await fetch(`${system.url}/v1/apps/demo/auth/codes`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: Buffer.from([0x22, 0xc3, 0x28, 0x22]),
    });
    expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([
      400,
      "malformed_json",
    ]);
  });

  test("unknown routes, also strange ones", async () => {
    for (const path of [
      "/",
      "/v1",
      "/v2/apps",
      "/v1/apps/demo/nothing",
      "/%zz",
      "/%ff/x",
      "/v1/apps/%2e%2e/chats",
    ]) {
      expectProblem(await ada.api.get(path), 404, "not_found");
    }
    for (const number of ["0", "-1", "01", "1.5", "1e3", "x", "9999999999999999999"]) {
      expectProblem(await ada.api.get(`${chats}/${number}`), 404, "not_found");
    }
    expectProblem(await ada.api.get(`/${"x".repeat(3000)}`), 414, "uri_too_long");
  });

  test("a wrong method names the right ones", async () => {
    const answer = await ada.api.put(chats, {});
    expectProblem(answer, 405, "method_not_allowed");
    expect(answer.headers.get("allow")).toBe("POST, GET");
  });

  test("a wrong media type, charset or encoding", async () => {
    for (const headers of [
      { "content-type": "text/plain" },
      { "content-type": "application/x-www-form-urlencoded" },
      { "content-type": "application/json; charset=latin1" },
      { "content-type": "application/json", "content-encoding": "gzip" },
    ]) {
      expectProblem(await ada.api.post(chats, '{"kind":"group"}', headers), 415, "unsupported_media_type");
    }
  });

  test("a body over the limit, announced or not", async () => {
    const text = `{"kind":"group","title":"${"x".repeat(2 * 1024 * 1024)}"}`;
    expectProblem(await ada.api.post(chats, text), 413, "payload_too_large");
    const chunked = new ReadableStream({
      start(controller) {
        for (let sent = 0; sent <= BODY_BYTES_MAX; sent += 65_536)
          controller.enqueue(Buffer.alloc(65_536, 0x20));
        controller.close();
      },
    });
    const response = await fetch(`${system.url}${chats}`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${ada.session.accessToken}` },
      body: chunked,
      duplex: "half",
    });
    expect(response.status).toBe(413);
  });

  test("an unexpected exception says nothing of its cause and is logged", async () => {
    const { body: chat } = await ada.api.post(chats, { kind: "group" });
    system.fault({ service: "firestore", method: "Commit", kind: "before", code: "PERMISSION_DENIED" });
    const answer = await ada.api.patch(`${chats}/${chat.number}`, { title: "x" });
    expectProblem(answer, 500, "internal");
    expect(JSON.stringify(answer.body)).not.toMatch(/PERMISSION|fault/i);
    const line = system.logs.find(({ requestId }) => requestId === answer.headers.get("x-request-id"));
    expect(line).toMatchObject({ severity: "ERROR", outcome: "internal", error: { cause: { code: 7 } } });
  });
});

test("a request that is two requests at once is refused and the connection closed", async () => {
  const { hostname, port } = new URL(system.url);
  const send = (text: string): Promise<string> =>
    new Promise((resolve, reject) => {
      let answer = "";
      const socket = connect(Number(port), hostname, () => socket.write(text));
      socket.on("data", (chunk) => {
        answer += chunk.toString();
      });
      socket.on("close", () => resolve(answer)).on("error", reject);
    });
  const both =
    "POST /api/healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
  expect(await send(both)).toMatch(/^HTTP\/1\.1 400 /);
  expect(await send("GET /api/healthz HTTP/1.1\nHost: x\n\n")).toMatch(/^HTTP\/1\.1 400 /);
  expect(await send("GET /api/healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")).toMatch(/^HTTP\/1\.1 400 /);
});

test("a request leaves one structured line", async () => {
  const { headers } = await ada.api.get(`${chats}?limit=1`);
  const requestId = headers.get("x-request-id");
  const lines = system.logs.filter((line) => line.requestId === requestId);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatchObject({
    severity: "INFO",
    message: "GET /v1/apps/{app}/chats 200",
    app: "demo",
    endpoint: "GET /v1/apps/{app}/chats",
    outcome: "ok",
    person: expect.stringMatching(/^[\w-]{16}$/),
    latencyMs: expect.any(Number),
    "logging.googleapis.com/trace": expect.stringMatching(
      new RegExp(`^projects/${system.project}/traces/[0-9a-f]{32}$`),
    ),
    httpRequest: { requestMethod: "GET", requestUrl: "/v1/apps/{app}/chats", status: 200 },
  });
});

test("the caller's trace is continued through events", async () => {
  const { body: chat } = await ada.api.post(chats, { kind: "group" });
  await system.settle();
  const trace = "4bf92f3577b34da6a3ce929d0e0e4736";
  const traceparent = `00-${trace}-00f067aa0ba902b7-01`;
  const posted = await ada.api.post(`${chats}/${chat.number}/messages`, { text: "x" }, { traceparent });
  await system.settle();
  const lines = system.logs.filter(({ requestId }) => requestId === posted.headers.get("x-request-id"));
  expect(lines.map((line) => String(line.function)).sort()).toEqual(["api", "on-chat-changed"]);
  for (const line of lines) expect(line["logging.googleapis.com/trace"]).toContain(trace);
});

test("each kind of problem has a page", async () => {
  for (const code of Object.keys(FAILURES)) {
    const { status, headers, body } = await system.client().get(`/problems/${code}`);
    expect([status, headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
    expect(body).toContain(code);
  }
  expect((await system.client().get("/problems/unknown")).status).toBe(404);
});

test("background functions are shut to everyone but the invoker", async () => {
  for (const name of ["on-chat-changed", "send-mail", "reconcile"]) {
    const url = `${system.functionsUrl}/${name}`;
    const call = (authorization?: string) =>
      fetch(url, { method: "POST", headers: authorization === undefined ? {} : { authorization } });
    expect((await call()).status).toBe(401);
    expect((await call(`Bearer ${ada.session.accessToken}`)).status).toBe(401);
    const elsewhere = await system.suite.oidc.mintIdToken({
      audience: `${url}-other`,
      email: system.env.INVOKER_EMAIL ?? "",
    });
    expect((await call(`Bearer ${elsewhere}`)).status).toBe(401);
    const someone = await system.suite.oidc.mintIdToken({ audience: url, email: "someone@example.test" });
    expect((await call(`Bearer ${someone}`)).status).toBe(401);
  }
});

test("a background function says to the invoker that it is there, and does nothing", async () => {
  for (const [name, { trigger }] of Object.entries(manifest.functions)) {
    if (trigger === "http") continue;
    const url = `${system.functionsUrl}/${name}`;
    const token = await system.suite.oidc.mintIdToken({
      audience: url,
      email: system.env.INVOKER_EMAIL ?? "",
    });
    const lines = system.logs.length;
    let status = 0;
    const cost = await system.meter(async () => {
      ({ status } = await fetch(url, { headers: { authorization: `Bearer ${token}` } }));
    });
    expect([name, status, cost.billed, cost.publishes, cost.tasks]).toEqual([
      name,
      204,
      { reads: 0, writes: 0, deletes: 0 },
      0,
      0,
    ]);
    expect(system.logs.slice(lines).filter((line) => line.function === name)).toEqual([]);
    expect((await fetch(url)).status).toBe(401);
  }
});
