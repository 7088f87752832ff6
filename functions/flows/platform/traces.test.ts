import { describe, expect, test } from "vitest";
import type { Span } from "../../../emulators/trace/server.ts";
import type { ApiReply } from "../../../shared/testing/api-client.ts";
import { useModelPace, usePeople, useSystem } from "../../../shared/testing/use-system.ts";

const apps = "/v1/apps/demo";
const system = useSystem({ instances: 1, traced: true });
useModelPace(system, { firstTokenMs: 0, tokensPerSecond: 5_000 });
const [ada] = usePeople(system, "ada@traces.test");

/** The event of its creation is handled, which might otherwise find a message there and handle that too. */
async function newChat(chat: object): Promise<ApiReply> {
  const created = await ada.api.post(`${apps}/chats`, chat);
  await system.settle();
  return created;
}

/** The spans of the trace that this request is part of, once everything that it caused is done. */
async function spansAfter(requestId: string | null): Promise<readonly Span[]> {
  await system.settle();
  await system.deps.traces.flush();
  const line = system.logs.find((entry) => entry.requestId === requestId);
  return system.suite.trace.spans(traceIdOf(line));
}

const traceIdOf = (line: Record<string, unknown> | undefined): string =>
  String(line?.["logging.googleapis.com/trace"]).split("/").at(-1) ?? "";

const one = (spans: readonly Span[], name: string, service?: string): Span => {
  const found = spans.find((span) => span.name === name && (service ?? span.service) === span.service);
  if (found === undefined) throw new Error(`No span ${name} among ${spans.map((span) => span.name).join()}`);
  return found;
};

/** The names from a span up to the one above all, services in brackets where they change. */
function wayUp(spans: readonly Span[], from: Span): string[] {
  const names: string[] = [];
  for (let span: Span | undefined = from; span !== undefined;) {
    names.push(span.name);
    const { parentSpanId }: Span = span;
    span = spans.find(({ spanId }) => spanId === parentSpanId);
  }
  return names;
}

const POST = "POST /v1/apps/{app}/chats/{chat}/messages";

describe("one message", () => {
  test("to a model is one trace: HTTP, event, index, task, model; each span's parent is known", async () => {
    const chat = await newChat({ kind: "assistant", title: "Questions" });
    const posted = await ada.api.post(`${apps}/chats/${chat.body.number}/messages`, { text: "What is 2+3?" });
    expect(posted.status).toBe(201);
    const spans = await spansAfter(posted.headers.get("x-request-id"));
    const [root, ...others] = spans.filter(({ parentSpanId }) => parentSpanId === undefined);
    expect([root?.name, others]).toEqual([POST, []]);
    const ids = new Set(spans.map(({ spanId }) => spanId));
    const orphans = spans.filter(({ parentSpanId }) => parentSpanId !== undefined && !ids.has(parentSpanId));
    expect(orphans).toEqual([]);

    const ways = spans.map((span) => wayUp(spans, span).join(" < "));
    expect(ways).toEqual(
      expect.arrayContaining([
        `Firestore Commit < ${POST}`,
        `on-chat-changed < publish chat-changes < ${POST}`,
        // The event of the question or that of the answer, whichever comes first, has both indexed.
        expect.stringMatching(/^Firestore Commit < on-chat-changed < publish chat-changes < /),
        expect.stringMatching(/^notify-members < enqueue notifications < on-chat-changed < /),
      ]),
    );
    const answer = one(spans, "chat emulated-small");
    expect(wayUp(spans, answer)).toEqual(["chat emulated-small", "answer-fast", "enqueue answer-fast", POST]);
    expect(answer.attributes).toMatchObject({
      "gen_ai.request.model": "emulated-small",
      "gen_ai.response.finish_reason": "stop",
      "gen_ai.usage.output_tokens": expect.any(Number),
    });
    expect(spans.some(({ isFailed }) => isFailed)).toBe(false);
  });

  test("to a person reaches indexing, notifying, and the device", async () => {
    const bob = await system.signIn("bob@traces.test");
    const phone = { pushToken: "bobs-phone:1", platform: "android" };
    expect((await bob.api.put(`${apps}/devices/phone`, phone)).status).toBe(204);
    const chat = await newChat({ kind: "direct", members: [bob.id] });
    const posted = await ada.api.post(`${apps}/chats/${chat.body.number}/messages`, { text: "Tea at four?" });
    const spans = await spansAfter(posted.headers.get("x-request-id"));
    const push = one(spans, "push");
    expect(wayUp(spans, push)).toEqual([
      "push",
      "notify-members",
      "enqueue notifications",
      "on-chat-changed",
      "publish chat-changes",
      POST,
    ]);
    expect(push.attributes).toMatchObject({ "scrollback.outcome": "sent" });
  });

  test("with a code is traced down to the mail server", async () => {
    const sent = await system.client().post(`${apps}/auth/codes`, { email: "carol@traces.test" });
    const spans = await spansAfter(sent.headers.get("x-request-id"));
    const way = wayUp(spans, one(spans, "send mail"));
    expect(way).toEqual(["send mail", "send-mail", "enqueue mail", "POST /v1/apps/{app}/auth/codes"]);
  });

  test("has spans that last as long as what stands below them and is awaited", async () => {
    const chat = await newChat({ kind: "group" });
    const posted = await ada.api.post(`${apps}/chats/${chat.body.number}/messages`, { text: "x" });
    const spans = await spansAfter(posted.headers.get("x-request-id"));
    const request = one(spans, POST);
    for (const name of ["Firestore Commit", "publish chat-changes"]) {
      const { startMs, endMs } = one(spans, name, "api");
      expect(startMs).toBeGreaterThanOrEqual(request.startMs);
      expect(endMs).toBeLessThanOrEqual(request.endMs);
    }
  });
});

test("a request's log line names its trace and its span, and so does a delivery's", async () => {
  const posted = await ada.api.post(`${apps}/chats`, { kind: "group" });
  const requestId = posted.headers.get("x-request-id");
  const spans = await spansAfter(requestId);
  const lines = system.logs.filter((line) => line.requestId === requestId);
  expect(lines.map((line) => String(line.function)).sort()).toEqual(["api", "on-chat-changed"]);
  for (const line of lines) {
    const span = spans.find(({ spanId }) => spanId === line["logging.googleapis.com/spanId"]);
    expect([span?.service, span?.traceId]).toEqual([line.function, traceIdOf(line)]);
  }
});

test("a caller's trace is continued below the caller's span", async () => {
  const traceId = "0af7651916cd43dd8448eb211c80319c";
  const traceparent = `00-${traceId}-b7ad6b7169203331-00`;
  await ada.api.get(`${apps}/chats`, { traceparent });
  await system.deps.traces.flush();
  const [request] = system.suite.trace.spans(traceId);
  expect(request).toMatchObject({ name: "GET /v1/apps/{app}/chats", parentSpanId: "b7ad6b7169203331" });
});

test("a failed request says which call failed, with its code and no message", async () => {
  system.fault({ service: "firestore", method: "Commit", kind: "before", code: "PERMISSION_DENIED" });
  const failed = await ada.api.post(`${apps}/chats`, { kind: "group" });
  expect(failed.status).toBe(500);
  const spans = await spansAfter(failed.headers.get("x-request-id"));
  expect(one(spans, "POST /v1/apps/{app}/chats")).toMatchObject({
    isFailed: true,
    attributes: { "http.response.status_code": 500, "error.type": "internal" },
  });
  expect(one(spans, "Firestore Commit")).toMatchObject({
    isFailed: true,
    attributes: { "rpc.grpc.status_code": 7 },
  });
});

test("a precondition that fails is an answer and no failure", async () => {
  const chat = await newChat({ kind: "group" });
  const key = { "idempotency-key": '"again"' };
  const path = `${apps}/chats/${chat.body.number}/messages`;
  await ada.api.post(path, { text: "once" }, key);
  const repeated = await ada.api.post(path, { text: "once" }, key);
  expect(repeated.status).toBe(201);
  const spans = await spansAfter(repeated.headers.get("x-request-id"));
  expect(spans.filter(({ isFailed }) => isFailed)).toEqual([]);
});

test("a schedule begins a trace of its own", async () => {
  await system.runSchedule("reconcile");
  await system.deps.traces.flush();
  const line = system.logs.findLast((entry) => entry.function === "reconcile");
  const spans = system.suite.trace.spans(traceIdOf(line));
  expect(spans.find(({ parentSpanId }) => parentSpanId === undefined)).toMatchObject({
    name: "reconcile",
    kind: "server",
    attributes: { "faas.trigger": "timer" },
  });
});

test("spans hold no text, address, token or id of a person", async () => {
  await system.deps.traces.flush();
  const everything = JSON.stringify(
    system.suite.trace
      .list({ project: system.project })
      .map(({ traceId }) => system.suite.trace.spans(traceId)),
  );
  for (const secret of [
    "Tea at four",
    "What is 2",
    "ada@traces.test",
    ada.id,
    ada.session.accessToken,
    "bob:1",
  ]) {
    expect(everything).not.toContain(secret);
  }
  expect(everything).not.toMatch(/Bearer |eyJ|@/);
});
