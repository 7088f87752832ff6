import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { currentContext, runInContext } from "./context.ts";
import { createLog } from "./log.ts";
import { beginSpan, inSpan } from "./trace.ts";
import { formatTraceparent, newSpanId, newTraceId, parseTraceparent } from "./trace-context.ts";
import { SETTLE_MS_MAX, SPANS_PER_CALL_MAX, SPANS_WAITING_MAX } from "./trace-export.ts";
import { type Arrival, type Entered, openTraces, SPANS_PER_REQUEST_MAX, type Traces } from "./traces.ts";

/** A collector that only looks at what it is sent: names and ids stand in protobuf as they are. */
let server: Server;
let bodies: string[];
/** Undefined: answers are held back until `release`. */
let status: number | undefined;
let held: ServerResponse[];
let lines: Record<string, unknown>[];
let traces: Traces;
const log = createLog({ projectId: "p" }, (line) => lines.push(JSON.parse(line)));
const opened: Traces[] = [];

beforeEach(async () => {
  bodies = [];
  lines = [];
  held = [];
  status = 200;
  server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    bodies.push(Buffer.concat(chunks).toString("latin1"));
    if (status === undefined) held.push(response);
    else response.writeHead(status, { "content-type": "application/x-protobuf" }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterEach(async () => {
  release();
  for (const each of opened.splice(0)) await each.close();
  server.close();
});

/** Refuses what was held back, and what comes. */
function release(): void {
  status ??= 400;
  for (const response of held.splice(0)) response.writeHead(status).end();
}

function open(traceRatio: number, random = (): number => 0.5): Traces {
  const traceEndpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  traces = openTraces({ projectId: "p", traceEndpoint, traceRatio }, log, random);
  opened.push(traces);
  return traces;
}
const arrive = (more: Partial<Arrival> = {}): Entered =>
  traces.enter({ service: "api", requestId: "r", traceparent: undefined, isOurs: false, ...more });
const leave = (entered: Entered, isFailed = false): void =>
  entered.end({
    name: "root-span",
    kind: "server",
    attributes: { kept: "yes", absent: undefined },
    isFailed,
  });
const sent = (): string => bodies.join("");
const timesSent = (text: string): number => sent().split(text).length - 1;

const parent = { traceId: newTraceId(), spanId: newSpanId() };

describe("what is recorded", () => {
  test("is the share of requests that the ratio says, whatever strangers ask for", async () => {
    let drawn = 0;
    open(0.25, () => (drawn++ % 4) / 4);
    for (let index = 0; index < 8; index += 1) {
      leave(arrive({ traceparent: formatTraceparent({ ...parent, isSampled: index % 2 === 0 }) }));
    }
    await traces.flush();
    expect(timesSent("root-span")).toBe(2);
  });

  test("of deliveries is what was decided where they come from", async () => {
    open(0.5, () => 0.9);
    leave(arrive({ isOurs: true, traceparent: formatTraceparent({ ...parent, isSampled: true }) }));
    await traces.flush();
    expect(timesSent("root-span")).toBe(1);
    leave(arrive({ isOurs: true, traceparent: formatTraceparent({ ...parent, isSampled: false }) }));
    await traces.flush();
    expect(timesSent("root-span")).toBe(1);
  });

  test("is every request that failed, with what stands below it, and what ends later", async () => {
    open(0.1, () => 0.9);
    const failing = arrive();
    const late = await runInContext(failing.context, async () => {
      await inSpan("inner-span", "client", {}, async () => undefined);
      return beginSpan("late-span", "client");
    });
    leave(failing, true);
    late?.end();
    const fine = arrive();
    await runInContext(fine.context, () => inSpan("fine-span", "client", {}, async () => undefined));
    leave(fine);
    await traces.flush();
    expect(["root-span", "inner-span", "late-span", "fine-span"].map(timesSent)).toEqual([1, 1, 1, 0]);
  });

  test.each([
    ["there is no endpoint", { traceEndpoint: undefined, traceRatio: 1 }],
    ["the ratio is 0", { traceEndpoint: "http://127.0.0.1:1", traceRatio: 0 }],
  ])("is nothing when %s; ids for the log there are all the same", async (_when, config) => {
    traces = openTraces({ projectId: "p", ...config }, log);
    const { context } = arrive({ traceparent: formatTraceparent({ ...parent, isSampled: true }) });
    expect(parseTraceparent(context.traceparent)).toMatchObject({ traceId: parent.traceId, isSampled: true });
    expect(context.traceparent).not.toContain(parent.spanId);
    expect(runInContext(context, () => beginSpan("x", "client"))).toBeUndefined();
    await traces.settle();
    await traces.close();
  });

  test("of one request is bounded, and says how much was left out", async () => {
    open(1);
    const entered = arrive();
    runInContext(entered.context, () => {
      for (let index = 0; index < SPANS_PER_REQUEST_MAX + 3; index += 1) beginSpan("many", "client")?.end();
    });
    leave(entered);
    await traces.flush();
    expect(timesSent("many")).toBe(SPANS_PER_REQUEST_MAX);
    expect(sent()).toContain("scrollback.spans.left_out");
    expect(sent()).not.toContain("absent");
  });
});

describe("a span", () => {
  test("is the parent of what is done within it, and its failure has the error's name and no message", async () => {
    open(1);
    const entered = arrive();
    const inner = await runInContext(entered.context, () =>
      inSpan("outer-span", "internal", {}, async () => currentContext()?.traceparent ?? ""),
    );
    expect(parseTraceparent(inner)?.traceId).toBe(parseTraceparent(entered.context.traceparent)?.traceId);
    expect(inner).not.toBe(entered.context.traceparent);
    const failing = runInContext(entered.context, () =>
      inSpan("failing-span", "client", {}, () => Promise.reject(new RangeError("secret text"))),
    );
    await expect(failing).rejects.toThrow("secret text");
    leave(entered);
    await traces.flush();
    expect(sent()).toContain("RangeError");
    expect(sent()).not.toContain("secret text");
  });
});

describe("the export", () => {
  test("groups spans by function, and sends large batches in parts", async () => {
    open(1);
    for (let index = 0; index < SPANS_PER_CALL_MAX + 1; index += 1) leave(arrive({ service: "reconcile" }));
    await traces.flush();
    expect(bodies.map((body) => body.split("root-span").length - 1)).toEqual([SPANS_PER_CALL_MAX, 1]);
    expect(timesSent("reconcile")).toBe(2);
  });

  test("is awaited by the last delivery under way and by no other", async () => {
    open(1);
    const first = arrive();
    const last = arrive();
    leave(first);
    await traces.settle();
    expect(bodies).toHaveLength(0);
    leave(last);
    await traces.settle();
    expect(timesSent("root-span")).toBe(2);
  });

  test("keeps no delivery for longer than its limit, and none after it has failed", async () => {
    open(1);
    status = undefined;
    leave(arrive());
    const startedMs = performance.now();
    await traces.settle();
    expect(performance.now() - startedMs).toBeLessThan(SETTLE_MS_MAX * 2);
    release();
    await traces.flush();
    leave(arrive());
    const calls = bodies.length;
    await traces.settle();
    expect(bodies).toHaveLength(calls);
  });

  test("that fails loses its spans and says so once, without what was in them", async () => {
    open(1);
    status = 400;
    for (let index = 0; index < 3; index += 1) {
      leave(arrive());
      await traces.flush();
    }
    const said = lines.filter(({ event }) => event === "trace.spans-lost");
    expect(said).toMatchObject([{ severity: "WARNING", spans: 1, status: 400 }]);
  });

  test("that does not get through takes no more than its share of memory", async () => {
    open(1);
    status = undefined;
    leave(arrive());
    void traces.flush();
    for (let index = 0; index < SPANS_WAITING_MAX + 600; index += 1) leave(arrive());
    release();
    await traces.flush();
    expect(lines.filter(({ event }) => event === "trace.spans-lost")).toHaveLength(1);
  });
});

test.each([
  ["nothing", undefined],
  ["another version", `01-${"a".repeat(32)}-${"b".repeat(16)}-01`],
  ["a trace id of zeros", `00-${"0".repeat(32)}-${"b".repeat(16)}-01`],
  ["a span id of zeros", `00-${"a".repeat(32)}-${"0".repeat(16)}-01`],
  ["capitals", `00-${"A".repeat(32)}-${"b".repeat(16)}-01`],
])("a traceparent that is %s is none", (_what, text) => {
  expect(parseTraceparent(text)).toBeUndefined();
});

test("ids are hexadecimal, of the right length, and never the same", () => {
  const ids = Array.from({ length: 2_000 }, newTraceId);
  expect(new Set(ids).size).toBe(ids.length);
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{32}$/);
  expect(newSpanId()).toMatch(/^[0-9a-f]{16}$/);
});
