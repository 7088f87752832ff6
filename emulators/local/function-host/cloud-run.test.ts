import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { type CloudRunOptions, startCloudRun } from "./cloud-run.ts";
import { createLogBook } from "./log-book.ts";
import type { FunctionPool } from "./pool.ts";

/** How long processes of a busy machine may take. */
const PATIENCE = { timeout: 10_000 };

const fixture = (name: string): string => fileURLToPath(new URL(`fixture/${name}`, import.meta.url));

interface Running extends AsyncDisposable {
  readonly pool: FunctionPool;
  call(path: string, init?: RequestInit): Promise<Response>;
  /** Resolves when a text that matches has been printed. */
  printed(pattern: RegExp): Promise<void>;
}

async function startCloud(options: Partial<CloudRunOptions> = {}): Promise<Running> {
  const texts: string[] = [];
  let look = (): void => undefined;
  const pool = await startCloudRun({
    label: "The functions",
    entry: fixture("functions.ts"),
    manifestPath: fixture("manifest.json"),
    env: process.env,
    logs: createLogBook(Date.now),
    alone: [],
    instances: 1,
    instancesMax: 1,
    port: 0,
    onText(text) {
      texts.push(text);
      look();
    },
    onLog: () => undefined,
    ...options,
  });
  return {
    pool,
    call: (path, init) => fetch(`http://127.0.0.1:${pool.nextPort()}${path}`, init),
    printed: (pattern) =>
      new Promise((resolve) => {
        look = () => {
          if (texts.some((text) => pattern.test(text))) resolve();
        };
        look();
      }),
    [Symbol.asyncDispose]: () => pool.stop(),
  };
}

async function pidOf(running: Running): Promise<number> {
  const { pid } = (await (await running.call("/pid")).json()) as { pid: number };
  return pid;
}

/** The state that the system gives of a process: "T" while it is stopped. */
const stateOf = (pid: number): string =>
  spawnSync("ps", ["-o", "state=", "-p", String(pid)], { encoding: "utf8" }).stdout.trim();

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

interface Wait {
  readonly pid: number;
  end(): Promise<void>;
}

/** A request that keeps its place in an instance until it is ended. */
async function beginWait(running: Running): Promise<Wait> {
  const hangUp = new AbortController();
  const { body } = await running.call("/wait", { signal: hangUp.signal });
  const reader = (body as ReadableStream<Uint8Array>).getReader();
  const { value } = await reader.read();
  return {
    pid: Number(Buffer.from(value ?? []).toString()),
    async end() {
      hangUp.abort();
      await reader.closed.catch(() => undefined);
    },
  };
}

describe("functions as Cloud Run runs them", () => {
  test("spread over several instances from the beginning", async () => {
    await using running = await startCloud({ alone: ["pid"], instances: 3, instancesMax: 3 });
    const pids = new Set<number>();
    while (pids.size < 3) pids.add(await pidOf(running));
    expect(pids.size).toBe(3);
    expect((await running.call("/nobody")).status).toBe(404);
  });

  test("have no processor between requests", async () => {
    await using running = await startCloud();
    const pid = await pidOf(running);
    await expect.poll(() => stateOf(pid), PATIENCE).toBe("T");
    expect(await pidOf(running)).toBe(pid);
    await expect.poll(() => stateOf(pid), PATIENCE).toBe("T");
  });

  test("see the suite's time although they are frozen", async () => {
    await using running = await startCloud();
    await running.pool.setClock(3_600_000);
    const { now } = (await (await running.call("/echo")).json()) as { now: number };
    expect(Math.round((now - Date.now()) / 3_600_000)).toBe(1);
  });

  test("get another instance when all are full, and lose it when it is idle", async () => {
    await using running = await startCloud({ alone: ["wait"], instancesMax: 2, idleMs: 50 });
    const waits = await Promise.all(Array.from({ length: 4 }, () => beginWait(running)));
    const pids = [...new Set(waits.map(({ pid }) => pid))];
    expect(pids).toHaveLength(2);
    await Promise.all(waits.map(({ end }) => end()));
    await expect.poll(() => pids.filter(isThere).length, PATIENCE).toBe(1);
  });

  test("answer 429 when no instance had room in time", async () => {
    await using running = await startCloud({ alone: ["wait"], pendingMs: 100 });
    const waits = await Promise.all([beginWait(running), beginWait(running)]);
    const refused = await running.call("/wait");
    expect([refused.status, await refused.text()]).toEqual([429, "Rate exceeded.\n"]);
    await Promise.all(waits.map(({ end }) => end()));
    // Whoever hangs up makes room.
    await expect.poll(async () => (await running.call("/wait")).status, PATIENCE).toBe(200);
  });

  test("are cut when they take longer than they may", async () => {
    await using running = await startCloud();
    await expect((await running.call("/wait")).text()).rejects.toThrow("terminated");
    expect((await running.call("/stuck")).status).toBe(504);
  });

  test("are killed when they take more memory than they may, and replaced", async () => {
    await using running = await startCloud({ alone: ["grow", "pid"] });
    await running.call("/grow").catch(() => undefined);
    const growing = running.call("/grow").catch(() => undefined);
    await running.printed(/Memory limit of 512 MiB exceeded with \d+ MiB used\./);
    await running.printed(/An instance of grow ended \(SIGKILL\)\./);
    await growing;
    expect(await pidOf(running)).toBeGreaterThan(0);
  });

  test("end when their suite is killed, although they are frozen", async () => {
    const module = (name: string): string => JSON.stringify(new URL(name, import.meta.url).href);
    const script = `
      import { startCloudRun } from ${module("cloud-run.ts")};
      import { createLogBook } from ${module("log-book.ts")};
      const pool = await startCloudRun({
        label: "The functions", entry: ${JSON.stringify(fixture("functions.ts"))},
        manifestPath: ${JSON.stringify(fixture("manifest.json"))}, env: process.env,
        logs: createLogBook(Date.now), alone: [], instances: 1, port: 0, onText() {}, onLog() {},
      });
      const answer = await fetch("http://127.0.0.1:" + pool.nextPort() + "/pid");
      console.log((await answer.json()).pid);
    `;
    const suite = spawn(process.execPath, ["--input-type=module", "-e", script], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [line] = (await once(createInterface(suite.stdout), "line")) as [string];
    const pid = Number(line);
    await expect.poll(() => stateOf(pid), PATIENCE).toBe("T");
    suite.kill("SIGKILL");
    await expect.poll(() => isThere(pid), PATIENCE).toBe(false);
  });

  test("finish what they have begun when they are stopped", async () => {
    const running = await startCloud();
    const answer = await running.call("/slow");
    const [text] = await Promise.all([answer.text(), running.pool.stop()]);
    expect(text).toBe("begun and finished");
  });
});
