import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { anyPorts } from "./ports.ts";
import { figuresOf, type Line, percentilesOf } from "./console/operations/figures.ts";
import { type LocalSystem, startLocalSystem } from "./local-system.ts";

const line = (entry: Record<string, unknown>, at = 1_000, severity = "INFO"): Line => ({
  at: new Date(at).toISOString(),
  severity,
  entry,
});

describe("figures", () => {
  test("count requests by endpoint and deliveries by function, the busiest first", () => {
    const request = { function: "api", endpoint: "GET /x", latencyMs: 5, httpRequest: { status: 200 } };
    const delivery = { function: "send-mail", trigger: "task", latencyMs: 9 };
    const figures = figuresOf([line(delivery), line(request), line(request)], 0);
    expect(figures).toMatchObject([
      { name: "GET /x", kind: "endpoint", count: 2, errors: 0, p99: 5 },
      { name: "send-mail", kind: "function", count: 1, errors: 0, p99: 9 },
    ]);
  });

  test("take a request with status 500 and a delivery with an error for failed, and nothing else", () => {
    const request = (status: number) =>
      line({ endpoint: "GET /x", latencyMs: 1, httpRequest: { status } }, 1_000, "ERROR");
    const delivery = (severity: string) =>
      line({ function: "f", trigger: "event", latencyMs: 1 }, 1, severity);
    const figures = figuresOf(
      [
        request(200),
        request(499),
        request(500),
        delivery("WARNING"),
        delivery("ERROR"),
        delivery("CRITICAL"),
      ],
      0,
    );
    expect(figures.map(({ errors }) => errors)).toEqual([1, 2]);
  });

  test("leave out earlier lines and those of no request or delivery", () => {
    const old = line({ endpoint: "GET /x", latencyMs: 1 }, 999);
    const other = line({ function: "api", message: "The instance is draining." });
    expect(figuresOf([old, other, line({ function: "api", latencyMs: 3 })], 1_000)).toEqual([]);
  });

  test("give percentiles by the nearest rank", () => {
    const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
    expect(percentilesOf(hundred)).toEqual({ p50: 50, p95: 95, p99: 99 });
    expect(percentilesOf([7])).toEqual({ p50: 7, p95: 7, p99: 7 });
    expect(percentilesOf([])).toEqual({ p50: 0, p95: 0, p99: 0 });
  });
});

describe("the dashboard's figures of a load", () => {
  let system: LocalSystem;
  let url: string;
  let headers: Record<string, string>;
  beforeAll(async () => {
    system = await startLocalSystem({
      project: "demo-figures",
      ports: anyPorts(),
      dataDir: undefined,
      fresh: false,
      instances: 1,
      output: { text: (text) => console.error(text), log: () => undefined },
    });
    url = `http://127.0.0.1:${system.ports.hosting}/v1/apps/demo`;
    headers = {
      authorization: `Bearer ${system.keepsakes.operatorKey}`,
      "content-type": "application/json",
    };
  });
  afterAll(() => system?.stop());

  const REQUESTS = 200;
  const AT_ONCE = 1;
  const FAILING = 7;
  /** More than one in a hundred, so that p99 is of these; a schedule may take one or two. */
  const SLOW = 6;
  const SLOW_MS = 150;

  /** Sets nothing off in the background, whose calls would take their part of the faults. */
  const rename = (turn: number): Promise<Response> =>
    fetch(url, { method: "PATCH", headers, body: JSON.stringify({ name: `Demo ${turn}` }) });

  /** Each request's time as whoever sends it sees it, and how many failed. */
  async function load(): Promise<{ latencies: number[]; errors: number }> {
    const latencies: number[] = [];
    let errors = 0;
    let begun = 0;
    const worker = async (): Promise<void> => {
      while (begun++ < REQUESTS) {
        const startedMs = performance.now();
        const answer = await rename(begun);
        await answer.arrayBuffer();
        latencies.push(performance.now() - startedMs);
        if (answer.status >= 500) errors += 1;
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    return { latencies, errors };
  }

  async function lines(): Promise<Line[]> {
    const logsUrl = `http://127.0.0.1:${system.ports.ui}/control/logs?function=api&limit=1000`;
    return ((await (await fetch(logsUrl)).json()) as { data: Line[] }).data;
  }

  // A client also sees the connection, hosting and its own work, which the log does not.
  test("have its errors to the last one, and its median and p99 within a quarter or 15 ms", async () => {
    const first = (await rename(0)).headers.get("x-request-id");
    // A line is written after its answer; this first one does not count.
    const isLogged = async () => (await lines()).some(({ entry }) => entry["requestId"] === first);
    await expect.poll(isLogged).toBe(true);
    const sinceMs = Date.now() + 1;
    await expect.poll(() => Date.now()).toBeGreaterThan(sinceMs);
    const name = "PATCH /v1/apps/{app}";
    const read = async () => figuresOf(await lines(), sinceMs).find((figures) => figures.name === name);
    const { faults } = system.suite.kernel;
    const commits = { service: "firestore", method: "Commit" } as const;
    faults.add({ ...commits, kind: "before", code: "PERMISSION_DENIED", skip: 40, count: FAILING });
    faults.add({ ...commits, kind: "slow", ms: SLOW_MS, skip: 100, count: SLOW });
    const measured = await load();
    await expect.poll(async () => (await read())?.count).toBe(REQUESTS);
    const shown = await read();
    expect(shown?.errors).toBe(measured.errors);
    expect(measured.errors).toBeGreaterThan(0);
    const expected = percentilesOf(measured.latencies);
    expect(expected.p99).toBeGreaterThan(SLOW_MS);
    for (const key of ["p50", "p99"] as const) {
      const tolerance = Math.max(expected[key] / 4, 15);
      expect([key, Math.abs((shown?.[key] ?? 0) - expected[key]) <= tolerance]).toEqual([key, true]);
    }
  });
});
