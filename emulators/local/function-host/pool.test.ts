import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { createLogBook, type LogBook } from "./log-book.ts";
import { type FunctionPool, startFunctions } from "./pool.ts";

const fixture = (name: string): string => fileURLToPath(new URL(`fixture/${name}`, import.meta.url));

interface Running extends AsyncDisposable {
  readonly pool: FunctionPool;
  readonly logs: LogBook;
  readonly texts: string[];
  /** Resolves when a text that matches has been printed. */
  printed(pattern: RegExp): Promise<void>;
  call(path: string, init?: RequestInit): Promise<Response>;
}

async function startPool(instances = 1): Promise<Running> {
  const logs = createLogBook(Date.now);
  const texts: string[] = [];
  let look = (): void => undefined;
  const pool = await startFunctions({
    label: "The host",
    entry: fixture("functions.ts"),
    manifestPath: fixture("manifest.json"),
    env: process.env,
    logs,
    instances,
    port: 0,
    onText: (text) => {
      texts.push(text);
      look();
    },
    onLog: () => undefined,
  });
  return {
    pool,
    logs,
    texts,
    printed: (pattern) =>
      new Promise((resolve) => {
        look = () => {
          if (texts.some((text) => pattern.test(text))) resolve();
        };
        look();
      }),
    call: (path, init) => fetch(`http://127.0.0.1:${pool.nextPort()}${path}`, init),
    [Symbol.asyncDispose]: () => pool.stop(),
  };
}

const hour = 3_600_000;

describe("a function host", () => {
  test("hands a request to its function without the function's name, through the framework", async () => {
    await using running = await startPool();
    const answer = await running.call("/echo/v1/apps?x=1", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ text: "hello" }),
    });
    expect(await answer.json()).toMatchObject({
      method: "POST",
      url: "/v1/apps?x=1",
      body: { text: "hello" },
    });
    expect((await running.call("/nobody/")).status).toBe(404);
  });

  test("hands a Pub/Sub push to an event function as a CloudEvent", async () => {
    await using running = await startPool();
    const message = { data: Buffer.from("{}").toString("base64"), messageId: "1", attributes: { a: "b" } };
    const answer = await running.call("/event", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ message, subscription: "projects/p/subscriptions/s" }),
    });
    expect(answer.status).toBe(204);
    const seen = await (await running.call("/seen")).json();
    expect(seen).toMatchObject({ message: { data: "e30=", attributes: { a: "b" } } });
  });

  test("keeps structured lines for the log book and passes other output on", async () => {
    await using running = await startPool();
    await running.call("/speak");
    await running.printed(/^A plain line\.$/);
    expect(running.logs.read({ severity: "WARNING" })).toMatchObject([
      { severity: "WARNING", message: "A structured line.", requestId: "r1" },
    ]);
    expect(running.texts.filter((text) => text.includes("structured"))).toEqual([]);
  });

  test("sees the suite's time, also in a host that starts later", async () => {
    await using running = await startPool();
    await running.pool.setClock(hour);
    const moved = (await (await running.call("/echo")).json()) as { now: number; constructed: string };
    expect(Math.round((moved.now - Date.now()) / hour)).toBe(1);
    expect(Math.round((Date.parse(moved.constructed) - Date.now()) / hour)).toBe(1);
    await running.call("/crash").catch(() => undefined);
    await running.printed(/is up again/);
    const later = (await (await running.call("/echo")).json()) as { now: number };
    expect(Math.round((later.now - Date.now()) / hour)).toBe(1);
  });

  test("that ends is started again, and said so", async () => {
    await using running = await startPool();
    await expect(running.call("/crash")).rejects.toThrow("fetch failed");
    await running.printed(/ended \(exit code 3\)\. It starts again in 0\.25 s\./);
    expect(running.pool.nextPort()).toBeUndefined();
    await running.pool.up();
    expect((await running.call("/echo")).status).toBe(200);
  });

  test("takes turns with the others", async () => {
    await using running = await startPool(2);
    const ports = [running.pool.nextPort(), running.pool.nextPort(), running.pool.nextPort()];
    expect(new Set(ports).size).toBe(2);
    expect(ports[0]).toBe(ports[2]);
  });

  test("finishes what it has begun when it is asked to end", async () => {
    const running = await startPool();
    const answer = await running.call("/slow");
    const [text] = await Promise.all([answer.text(), running.pool.stop()]);
    expect(text).toBe("begun and finished");
  });

  test("answers 504 for a function that takes longer than it may", async () => {
    await using running = await startPool();
    expect((await running.call("/stuck")).status).toBe(504);
  });

  test("that can't load the functions says why", async () => {
    const starting = startFunctions({
      label: "The host",
      entry: fixture("absent.ts"),
      manifestPath: fixture("manifest.json"),
      env: process.env,
      logs: createLogBook(Date.now),
      instances: 1,
      port: 0,
      onText: () => undefined,
      onLog: () => undefined,
    });
    await expect(starting).rejects.toThrow(/The functions can't start: Cannot find module .*absent\.ts/);
  });

  test("ends when its suite is killed", async () => {
    const script = `
      import { startHost } from ${JSON.stringify(new URL("host-process.ts", import.meta.url).href)};
      const host = await startHost({
        entry: ${JSON.stringify(fixture("functions.ts"))},
        manifestPath: ${JSON.stringify(fixture("manifest.json"))},
        port: 0, env: process.env, clockOffsetMs: 0, onLine() {},
      });
      console.log(host.port);
    `;
    const suite = spawn(process.execPath, ["--input-type=module", "-e", script], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [port] = (await once(createInterface(suite.stdout), "line")) as [string];
    const held = await fetch(`http://127.0.0.1:${port}/slow`);
    suite.kill("SIGKILL");
    // The answer that is under way breaks off because the host is gone.
    await expect(held.text()).rejects.toThrow("terminated");
    await expect(fetch(`http://127.0.0.1:${port}/echo`)).rejects.toThrow("fetch failed");
  });
});
