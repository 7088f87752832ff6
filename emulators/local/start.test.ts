import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { requireFreePorts } from "../kernel/ports.ts";
import { PORT_NAMES, type Ports, portsFrom } from "./ports.ts";

/** `npm start` as people run it: a process of its own, on ports of its own. */
const START = fileURLToPath(new URL("start.ts", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "start-"));
afterAll(() => rmSync(folder, { recursive: true }));

let base: number;
let ports: Ports;

beforeAll(async () => {
  for (;;) {
    base = 20_000 + Math.floor(Math.random() * 10_000);
    ports = portsFrom(base);
    const areFree = await requireFreePorts(ports, PORT_NAMES).then(
      () => true,
      () => false,
    );
    if (areFree) return;
  }
});

interface Running {
  readonly process: ChildProcess;
  readonly output: string[];
  /** Resolves when a line that matches has been printed. */
  printed(pattern: RegExp): Promise<void>;
  readonly exitCode: Promise<number | null>;
}

const start = (...flags: string[]): Running => startWith({}, ...flags);

/** `environment`: what stands in `.env`, or before the command. */
function startWith(environment: Readonly<Record<string, string>>, ...flags: string[]): Running {
  const args = [START, "--port-base", String(base), "--data", folder, ...flags];
  const child = spawn(process.execPath, args, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, NO_COLOR: "1", ...environment },
  });
  const output: string[] = [];
  let look = (): void => undefined;
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on("line", (line) => {
      output.push(line);
      look();
    });
  }
  const exitCode = once(child, "close").then(([code]) => code as number | null);
  return {
    process: child,
    output,
    exitCode,
    printed: (pattern) =>
      new Promise((resolve, reject) => {
        look = () => {
          if (output.some((line) => pattern.test(line))) resolve();
        };
        look();
        exitCode.then(() => reject(new Error(output.join("\n"))), reject);
      }),
  };
}

const info = async (): Promise<{ operatorKey: string; app: { id: string; token?: string } }> => {
  const answer = await fetch(`http://127.0.0.1:${ports.ui}/control/info`);
  return (await answer.json()) as { operatorKey: string; app: { id: string; token?: string } };
};

// Each test starts one process or two, which the machine may be too busy for.
describe("npm start", { timeout: 90_000 }, () => {
  test("serves page and API, survives kill -9, takes models from a file, and ends cleanly", async () => {
    const envFile = join(folder, ".env");
    const first = start("--env", envFile);
    await first.printed(/Ctrl-C stops/);
    // A file that is not there is none.
    expect(first.output.filter((line) => line.includes(".env"))).toEqual([]);
    expect(first.output.join("\n")).toContain(`http://localhost:${ports.hosting}`);
    expect(first.output).toContainEqual(expect.stringMatching(/Models +emulated/));
    const { app, operatorKey } = await info();
    expect(app).toMatchObject({ id: "demo", token: expect.any(String) });
    const page = await fetch(`http://localhost:${ports.hosting}/`);
    expect(await page.text()).toContain("<title>Scrollback</title>");
    expect((await fetch(`http://localhost:${ports.ui}/healthz`)).status).toBe(200);

    const second = start();
    expect(await second.exitCode).toBe(1);
    expect(second.output).toEqual([expect.stringMatching(/^Port \d+ \(\w+\) is in use\./)]);

    first.process.kill("SIGKILL");
    await first.exitCode;
    writeFileSync(envFile, "MODEL_BASE_URL=http://127.0.0.1:9/v1\nMODEL_FAST=of-the-file\n");
    const again = start("--env", envFile);
    await again.printed(/Ctrl-C stops/);
    expect(await info()).toMatchObject({ operatorKey, app });
    expect((await fetch(`http://127.0.0.1:${ports.hosting}/v1/apps/demo`)).status).toBe(401);

    expect(again.output.find((line) => line.includes("Models"))).toContain("of-the-file");

    again.process.kill("SIGTERM");
    expect(await again.exitCode).toBe(0);
    expect(again.output.filter((line) => /error|warn/i.test(line))).toEqual([]);
  });

  test("takes the echo that npm adds to a Ctrl-C for no second wish", async () => {
    // What answers is said at the start, too.
    const models = { MODEL_BASE_URL: "http://127.0.0.1:9/v1", MODEL_FAST: "little", MODEL_SLOW: "large" };
    const running = startWith(models);
    await running.printed(/Ctrl-C stops/);
    expect(running.output).toContainEqual(
      expect.stringMatching(/Models +little, large at http:\/\/127\.0\.0\.1:9\/v1$/),
    );
    running.process.kill("SIGINT");
    running.process.kill("SIGINT");
    expect(await running.exitCode).toBe(0);
  });

  test("wants a model's name besides its address", async () => {
    const nameless = startWith({ MODEL_BASE_URL: "http://127.0.0.1:11434/v1" });
    expect(await nameless.exitCode).toBe(2);
    expect(nameless.output).toEqual([expect.stringContaining("MODEL_FAST")]);
  });

  test("ends at once when it is asked again while a request is still under way", async () => {
    const running = start();
    await running.printed(/Ctrl-C stops/);
    const unfinished = request({ port: ports.hosting, path: "/v1/apps", method: "POST" });
    unfinished.on("error", () => undefined);
    unfinished.setHeader("content-length", 100);
    unfinished.flushHeaders();
    await once(unfinished, "socket");
    const asking = setInterval(() => running.process.kill("SIGINT"), 100);
    expect(await running.exitCode).toBe(130);
    clearInterval(asking);
  });

  test("names a flag that it does not know in one line, and explains its flags when it is asked", async () => {
    const wrong = start("--prot-base");
    expect(await wrong.exitCode).toBe(2);
    expect(wrong.output).toEqual([expect.stringContaining("--prot-base")]);

    const help = start("--help");
    expect(await help.exitCode).toBe(0);
    expect(help.output.join("\n")).toContain("--port-base N");
  });
});
