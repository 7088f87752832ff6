import { once } from "node:events";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createLogBook } from "../function-host/log-book.ts";
import { startHttpTarget } from "../../kernel/testing/http-target.ts";
import { type LoopbackServer, serveLoopback } from "../../kernel/loopback.ts";
import { type Suite, startSuite } from "../../suite.ts";
import { createControl } from "./server.ts";

const project = "demo-control";
const logs = createLogBook(() => 0);
const offsets: number[] = [];
let suite: Suite;
let server: LoopbackServer;

beforeAll(async () => {
  suite = await startSuite({ project, dataDir: undefined });
  const control = createControl({
    suite,
    logs,
    info: () => ({
      api: "http://127.0.0.1:5000",
      projectId: project,
      operatorKey: "op_key",
      app: { id: "demo", token: undefined },
      ports: suite.ports,
    }),
    setFunctionsClock: async (offsetMs) => void offsets.push(offsetMs),
    pagePorts: () => [5000, 4000],
  });
  server = await serveLoopback(0, (request, response) => {
    if (!control(request, response)) response.writeHead(418).end();
  });
});

afterAll(async () => {
  await server.close();
  await suite.stop();
});

const call = (path: string, init?: RequestInit) =>
  fetch(`http://127.0.0.1:${server.port}/control/${path}`, init);

const post = (path: string, body: unknown) => call(path, { method: "POST", body: JSON.stringify(body) });

/** A request with headers that fetch would not let us choose. */
async function statusWith(headers: Record<string, string>, method = "GET"): Promise<number> {
  const request = httpRequest({
    host: "127.0.0.1",
    port: server.port,
    path: "/control/info",
    method,
    headers,
  });
  request.end();
  const [answer] = (await once(request, "response")) as [IncomingMessage];
  answer.resume();
  return answer.statusCode ?? 0;
}

describe("the control API", () => {
  test("tells where everything is", async () => {
    const answer = await call("info");
    expect(answer.headers.get("cache-control")).toBe("no-store");
    expect(await answer.json()).toMatchObject({
      projectId: project,
      operatorKey: "op_key",
      app: { id: "demo" },
    });
  });

  test("is for this machine under its own names, and for the suite's own pages", async () => {
    const host = `localhost:${server.port}`;
    expect(await statusWith({ host })).toBe(200);
    expect(await statusWith({ host: "[::1]:4000" })).toBe(200);
    expect(await statusWith({ host: "evil.example" })).toBe(403);
    expect(await statusWith({ host: "localhost.evil.example" })).toBe(403);
    expect(await statusWith({ host, origin: "http://localhost:5000" })).toBe(200);
    expect(await statusWith({ host, origin: "http://evil.example" })).toBe(403);
    expect(await statusWith({ host, origin: "http://localhost:3000" })).toBe(403);
    expect(await statusWith({ host, origin: "null" })).toBe(403);
    expect(await statusWith({ host, origin: "http://evil.example" }, "OPTIONS")).toBe(403);
    const allowed = await call("info", { headers: { origin: "http://127.0.0.1:5000" } });
    expect(allowed.headers.get("access-control-allow-origin")).toBe("http://127.0.0.1:5000");
  });

  test("answers with problems for what it does not know", async () => {
    const unknown = await call("nothing");
    expect(unknown.status).toBe(404);
    expect(unknown.headers.get("content-type")).toBe("application/problem+json");
    const method = await call("info", { method: "DELETE" });
    expect(method.status).toBe(405);
    expect(method.headers.get("allow")).toBe("GET");
    expect((await call("faults", { method: "POST", body: "{" })).status).toBe(400);
    const invalid = await post("faults", { service: "firestore", method: "Commit", kind: "sometimes" });
    expect(invalid.status).toBe(400);
    expect(await invalid.json()).toMatchObject({ code: "invalid", errors: [{ path: "kind" }] });
    expect((await post("faults", { service: "firestore", note: "x".repeat(1024 * 1024) })).status).toBe(413);
    expect((await call("logs?limit=0")).status).toBe(400);
  });

  test("plans faults and forgets them", async () => {
    const plan = { service: "tasks", method: "CreateTask", kind: "before", match: "q", code: "ABORTED" };
    expect((await post("faults", plan)).status).toBe(204);
    expect(suite.kernel.faults.take("tasks", "CreateTask", "q1")).toMatchObject({ code: "ABORTED" });
    await post("faults", plan);
    await call("faults", { method: "DELETE" });
    expect(suite.kernel.faults.take("tasks", "CreateTask", "q1")).toBeUndefined();
  });

  test("reads the meter by request and by project, and sets it back", async () => {
    const { meter } = suite.kernel;
    meter.bill({ project, requestId: "r1" }, { reads: 2 });
    meter.bill({ project: "other" }, { reads: 3 });
    const reads = async (query: string) =>
      ((await (await call(`meter${query}`)).json()) as { billed: { reads: number } }).billed.reads;
    expect(await reads("?requestId=r1")).toBe(2);
    expect(await reads(`?project=${project}`)).toBe(2);
    expect(await reads("")).toBe(5);
    await call(`meter?project=${project}`, { method: "DELETE" });
    expect(await reads("")).toBe(3);
    await call("meter", { method: "DELETE" });
    expect(await reads("")).toBe(0);
  });

  test("moves the functions' clock before the suite's own", async () => {
    const before = suite.kernel.clock.now();
    const due = new Promise<readonly number[]>((resolve) => {
      suite.kernel.clock.at(before + 3_600_000, () => resolve([...offsets]));
    });
    const answer = await post("clock", { advanceMs: 3_600_000 });
    expect(await answer.json()).toMatchObject({ offsetMs: 3_600_000 });
    expect(await due).toEqual([3_600_000]);
    expect((await post("clock", { advanceMs: -1 })).status).toBe(400);
  });

  test("finds log lines by request, function and severity, newest first", async () => {
    logs.add('{"severity":"INFO","message":"one","requestId":"a","function":"api"}');
    logs.add('{"severity":"ERROR","message":"two","requestId":"b","function":"api"}');
    logs.add('{"severity":"NOTICE","message":"three","requestId":"a","function":"send-mail"}');
    const messages = async (query: string) =>
      ((await (await call(`logs${query}`)).json()) as { data: { message: string }[] }).data.map(
        ({ message }) => message,
      );
    expect(await messages("")).toEqual(["three", "two", "one"]);
    expect(await messages("?requestId=a")).toEqual(["three", "one"]);
    expect(await messages("?function=api&severity=warning")).toEqual(["two"]);
    expect(await messages("?after=2")).toEqual(["three"]);
    expect(await messages("?before=3&limit=1")).toEqual(["two"]);
  });

  test("runs a schedule now and waits for it", async () => {
    await using target = await startHttpTarget();
    suite.scheduler.addJob({
      project,
      name: "sweep",
      cron: "0 3 * * *",
      timeZone: "Etc/UTC",
      url: `${target.url}/sweep`,
      audience: target.url,
      email: "a@b.c",
      deadlineMs: 60_000,
    });
    const answer = await call("schedules/sweep/run", { method: "POST" });
    expect(await answer.json()).toEqual({ status: 200 });
    expect(target.received).toHaveLength(1);
    expect((await call("schedules/none/run", { method: "POST" })).status).toBe(404);
  });

  test("sets how models behave, shows what they were asked, and sets both back", async () => {
    const ask = () =>
      fetch(`${suite.env["OPENAI_BASE_URL"]}/chat/completions`, {
        method: "POST",
        headers: { authorization: "Bearer any" },
        body: JSON.stringify({ model: "emulated-small", messages: [{ role: "user", content: "hi" }] }),
      });
    const set = await post("model", { firstTokenMs: 0, tokensPerSecond: 5000, fault: "429" });
    expect(await set.json()).toMatchObject({ models: { "emulated-large": { fault: "429" } } });
    expect((await ask()).status).toBe(429);
    await post("model", { firstTokenMs: 0, tokensPerSecond: 5000, model: "emulated-small" });
    expect((await ask()).status).toBe(200);
    expect(await (await call("model")).json()).toMatchObject({
      models: { "emulated-large": { fault: "429" }, "emulated-small": { tokensPerSecond: 5000 } },
      calls: {
        byModel: { "emulated-small": { calls: 2 } },
        recent: [{ outcome: "stop" }, { outcome: "failed" }],
      },
    });
    expect(await (await call("meter")).json()).toMatchObject({ modelCalls: 2 });
    for (const invalid of [{ model: "gpt" }, { tokensPerSecond: 0 }, { fault: "slow" }, { after: -1 }]) {
      expect((await post("model", invalid)).status).toBe(400);
    }
    const quirk = await post("model", { quirk: "wrong-key" });
    expect(await quirk.json()).toMatchObject({ models: { "emulated-small": { quirk: "wrong-key" } } });
    expect((await ask()).status).toBe(401);
    await post("model", { tokensPerSecond: 6000 });
    expect((await ask()).status).toBe(401);
    const unknown = await post("model", { quirk: "sulks" });
    expect(unknown.status).toBe(400);
    const problem = (await unknown.json()) as { errors: { path: string; message: string }[] };
    expect(problem).toMatchObject({ code: "invalid", errors: [{ path: "quirk" }] });
    expect(problem.errors[0]?.message).toContain("wrong-key");
    await post("model", { quirk: null });
    expect((await ask()).status).toBe(200);
    expect((await call("model", { method: "DELETE" })).status).toBe(204);
    expect(await (await call("model")).json()).toMatchObject({ calls: { inFlight: 0, recent: [] } });
    await call("meter", { method: "DELETE" });
  });

  test("shows traces, and the spans of one", async () => {
    const traceId = "0af7651916cd43dd8448eb211c80319c";
    const span = { traceId, spanId: "b7ad6b7169203331", name: "GET /x", startTimeUnixNano: "1000000" };
    const sent = await fetch(`${suite.env["TRACE_ENDPOINT"]}/v1/traces`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        resourceSpans: [{ scopeSpans: [{ spans: [{ ...span, endTimeUnixNano: "3000000" }] }] }],
      }),
    });
    expect(sent.status).toBe(200);
    const traces = await (await call("traces?limit=5")).json();
    expect(traces).toMatchObject({ data: [{ traceId, name: "GET /x", startMs: 1, endMs: 3, spans: 1 }] });
    const spans = await (await call(`traces/${traceId}`)).json();
    expect(spans).toMatchObject({ data: [{ spanId: span.spanId, startMs: 1, endMs: 3 }] });
    expect(await (await call(`traces/${"1".repeat(32)}`)).json()).toEqual({ data: [] });
    expect((await call("traces/1")).status).toBe(404);
  });

  test("shows queues, mail, pushes and documents", async () => {
    expect(await (await call("queues")).json()).toMatchObject({ topics: [], subscriptions: [], queues: [] });
    expect(await (await call("mail?to=ada@example.com")).json()).toEqual({ data: [] });
    await fetch(`http://127.0.0.1:${suite.ports.push}/v1/projects/${project}/messages:send`, {
      method: "POST",
      body: JSON.stringify({ message: { token: "t", notification: { title: "Hi" }, data: { user: "ada" } } }),
    });
    expect(await (await call("pushes?user=ada")).json()).toMatchObject({
      data: [{ user: "ada", token: "t", notification: { title: "Hi" }, data: { user: "ada" } }],
    });
    expect(await (await call("pushes?user=bob")).json()).toEqual({ data: [] });
    expect(await (await call("firestore")).json()).toMatchObject({ collections: [], documents: [] });
    expect((await call("firestore?limit=0")).status).toBe(400);
  });

  test("leaves other paths to others", async () => {
    expect((await fetch(`http://127.0.0.1:${server.port}/`)).status).toBe(418);
  });
});
