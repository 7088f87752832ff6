import { gzipSync } from "node:zlib";
import { SpanKind, SpanStatusCode } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { createKernel } from "../kernel/kernel.ts";
import { type LoopbackServer, serveLoopback } from "../kernel/loopback.ts";
import { BODY_BYTES_MAX, SPANS_PER_TRACE_MAX, TRACES_MAX } from "./limits.ts";
import { openTrace, type TraceServer } from "./server.ts";
import { createTraces, type Span } from "./state.ts";

const kernel = createKernel();
let trace: TraceServer;
let server: LoopbackServer;
beforeAll(async () => {
  trace = openTrace(kernel);
  server = await serveLoopback(0, trace.listener);
});
afterEach(() => kernel.faults.clear());
afterAll(async () => {
  await server.close();
  kernel.clock.stop();
});

const at = (path: string): string => `http://127.0.0.1:${server.port}${path}`;
const post = async (body: string | Buffer, headers: Record<string, string> = {}, path = "/v1/traces") => {
  const answer = await fetch(at(path), {
    method: "POST",
    body: typeof body === "string" ? body : new Uint8Array(body),
    headers: { "content-type": "application/json", ...headers },
  });
  return { status: answer.status, type: answer.headers.get("content-type"), text: await answer.text() };
};
const traceIdOf = (digit: number): string => digit.toString(16).padStart(32, "a");

const otlpSpan = (traceId: string, more: object = {}) => ({
  traceId,
  spanId: "00000000000000b1",
  name: "POST /tea",
  kind: 2,
  startTimeUnixNano: "1790000000000123456",
  endTimeUnixNano: "1790000000010000000",
  attributes: [
    { key: "http.response.status_code", value: { intValue: "201" } },
    { key: "cups", value: { arrayValue: { values: [{ doubleValue: 1.5 }, { boolValue: true }] } } },
    { key: "pot", value: { kvlistValue: { values: [{ key: "kind", value: { stringValue: "iron" } }] } } },
  ],
  status: { code: 2 },
  ...more,
});
const exportOf = (...spans: object[]): string =>
  JSON.stringify({
    resourceSpans: [
      {
        resource: {
          attributes: [
            { key: "service.name", value: { stringValue: "kitchen" } },
            { key: "gcp.project_id", value: { stringValue: "p" } },
          ],
        },
        scopeSpans: [{ spans }],
      },
    ],
  });

describe("POST /v1/traces", () => {
  test.each(["identity", "gzip"])("keeps what comes in JSON with the encoding %s", async (encoding) => {
    const traceId = traceIdOf(encoding.length);
    const body = Buffer.from(exportOf(otlpSpan(traceId)));
    const sent = await post(encoding === "gzip" ? gzipSync(body) : body, { "content-encoding": encoding });
    expect(sent).toEqual({ status: 200, type: "application/json", text: "{}" });
    expect(trace.spans(traceId)).toEqual([
      {
        traceId,
        spanId: "00000000000000b1",
        parentSpanId: undefined,
        name: "POST /tea",
        kind: "server",
        service: "kitchen",
        project: "p",
        startMs: 1_790_000_000_000.123,
        endMs: 1_790_000_000_010,
        attributes: { "http.response.status_code": 201, cups: [1.5, true], pot: { kind: "iron" } },
        isFailed: true,
      },
    ]);
  });

  test("keeps what the official exporter sends in protobuf, and again after an outage", async () => {
    const traceId = traceIdOf(20);
    kernel.faults.add({ service: "trace", method: "Export", match: "projects/q", kind: "before" });
    const exporter = new OTLPTraceExporter({ url: at("/v1/traces"), timeoutMillis: 5_000 });
    const context = (spanId: string) => ({ traceId, spanId, traceFlags: 1 });
    const attributes = { "service.name": "oven", "gcp.project_id": "q" };
    const { error } = await new Promise<{ error?: Error }>((resolve) => {
      exporter.export(
        [
          {
            name: "bake",
            kind: SpanKind.CLIENT,
            spanContext: () => context("00000000000000c2"),
            parentSpanContext: context("00000000000000c1"),
            startTime: [1_790_000_000, 5_000],
            endTime: [1_790_000_001, 0],
            duration: [0, 1],
            ended: true,
            status: { code: SpanStatusCode.UNSET },
            attributes: { trays: 3, "rpc.system": "grpc", hot: true },
            links: [],
            events: [],
            resource: { attributes } as never,
            instrumentationScope: { name: "test" },
            droppedAttributesCount: 0,
            droppedEventsCount: 0,
            droppedLinksCount: 0,
          },
        ],
        resolve,
      );
    });
    await exporter.shutdown();
    expect(error).toBeUndefined();
    expect(trace.spans(traceId)).toMatchObject([
      {
        spanId: "00000000000000c2",
        parentSpanId: "00000000000000c1",
        name: "bake",
        kind: "client",
        service: "oven",
        project: "q",
        startMs: 1_790_000_000_000.005,
        attributes: { trays: 3, "rpc.system": "grpc", hot: true },
        isFailed: false,
      },
    ]);
  });

  test("a span that is sent twice is there once, as it came last", async () => {
    const traceId = traceIdOf(30);
    kernel.faults.add({ service: "trace", method: "Export", kind: "twice" });
    await post(exportOf(otlpSpan(traceId)));
    await post(exportOf(otlpSpan(traceId, { name: "GET /tea" })));
    expect(trace.spans(traceId).map(({ name }) => name)).toEqual(["GET /tea"]);
  });

  test("a planned failure afterwards leaves the spans, and says when to come again", async () => {
    const traceId = traceIdOf(31);
    kernel.faults.add({ service: "trace", method: "Export", kind: "after", code: "RESOURCE_EXHAUSTED" });
    const { status, text } = await post(exportOf(otlpSpan(traceId)));
    expect([status, JSON.parse(text)]).toEqual([429, { code: 8, message: "A planned fault." }]);
    expect(trace.spans(traceId)).toHaveLength(1);
  });

  test("tells how many spans of a trace it has not kept", async () => {
    const traceId = traceIdOf(32);
    const spans = Array.from({ length: SPANS_PER_TRACE_MAX + 2 }, (_, index) =>
      otlpSpan(traceId, { spanId: (index + 1).toString(16).padStart(16, "0") }),
    );
    const { text } = await post(exportOf(...spans));
    expect(JSON.parse(text)).toMatchObject({ partialSuccess: { rejectedSpans: "2" } });
    expect(trace.spans(traceId)).toHaveLength(SPANS_PER_TRACE_MAX);
  });

  const good = otlpSpan(traceIdOf(40));
  test.each([
    ["no JSON", "{", {}, 400],
    ["an id of nothing but zeros", exportOf({ ...good, traceId: "0".repeat(32) }), {}, 400],
    ["an id that is too short", exportOf({ ...good, spanId: "b1" }), {}, 400],
    ["a time that is none", exportOf({ ...good, endTimeUnixNano: "soon" }), {}, 400],
    ["what gzip has not made", "plain", { "content-encoding": "gzip" }, 400],
    ["bytes that are no protobuf", "{}", { "content-type": "application/x-protobuf" }, 400],
    ["another encoding", "x", { "content-encoding": "br" }, 415],
    ["another type", "x", { "content-type": "text/plain" }, 415],
  ])("refuses %s", async (_what, body, headers: Record<string, string>, expected) => {
    expect((await post(body, headers)).status).toBe(expected);
  });

  test("refuses what is too large, packed and unpacked", async () => {
    const large = Buffer.alloc(BODY_BYTES_MAX + 1, 32);
    expect((await post(large)).status).toBe(413);
    expect((await post(gzipSync(large), { "content-encoding": "gzip" })).status).toBe(413);
  });
});

test("metrics and logs are not collected, and other paths are not known", async () => {
  expect((await post("{}", {}, "/v1/metrics")).status).toBe(501);
  expect((await post("{}", {}, "/v1/logs")).status).toBe(501);
  expect((await post("{}", {}, "/v2/traces")).status).toBe(404);
  expect((await fetch(at("/v1/traces"))).status).toBe(405);
});

describe("the traces that are kept", () => {
  const span = (traceId: string, startMs: number, more: Partial<Span> = {}): Span => ({
    traceId,
    spanId: `${startMs}`,
    parentSpanId: undefined,
    name: `at ${startMs}`,
    kind: "server",
    service: "kitchen",
    startMs,
    endMs: startMs + 1,
    attributes: {},
    isFailed: false,
    project: "p",
    ...more,
  });

  test("are listed by the span above all others, the latest first", () => {
    const traces = createTraces();
    traces.add(span("a", 5, { parentSpanId: "elsewhere" }));
    traces.add(span("a", 4, { parentSpanId: "5", isFailed: true, endMs: 9 }));
    traces.add(span("b", 7, { project: "q" }));
    expect(traces.list()).toMatchObject([
      { traceId: "b", name: "at 7", spans: 1, failed: 0 },
      { traceId: "a", name: "at 5", startMs: 4, endMs: 9, spans: 2, failed: 1 },
    ]);
    expect(traces.list({ project: "q" }).map(({ traceId }) => traceId)).toEqual(["b"]);
    expect(traces.list({ limit: 1 })).toHaveLength(1);
  });

  test("are so many at most; those that nothing was added to for longest are forgotten", () => {
    const traces = createTraces();
    for (let index = 0; index < TRACES_MAX; index += 1) traces.add(span(`t${index}`, index));
    traces.add(span("t0", TRACES_MAX));
    traces.add(span("new", 1));
    expect(traces.list({ limit: TRACES_MAX * 2 })).toHaveLength(TRACES_MAX);
    expect(traces.spans("t0")).toHaveLength(2);
    expect(traces.spans("t1")).toEqual([]);
  });
});
