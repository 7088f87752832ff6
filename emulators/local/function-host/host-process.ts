import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import type { ClockMessage, HostMessage } from "./messages.ts";

export interface HostProcess {
  readonly port: number;
  readonly pid: number;
  /** Resolves when the functions see the suite's time as `offsetMs` ahead of the machine's. */
  setClock(offsetMs: number): Promise<void>;
  /** Stops it as Cloud Run does between requests: it gets no processor, and signals wait. */
  freeze(): void;
  wake(): void;
  /** SIGTERM, and SIGKILL for what has not ended in `graceMs`. */
  stop(graceMs: number): Promise<void>;
  /** Resolves with a description of how the process ended. */
  readonly ended: Promise<string>;
}

export interface HostProcessOptions {
  /** The module that registers the functions. */
  readonly entry: string;
  readonly manifestPath: string;
  /** 0: any free port. */
  readonly port: number;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clockOffsetMs: number;
  /** Absent: as much memory as the machine has. */
  readonly memoryMiB?: number | undefined;
  onLine(line: string, stream: "stdout" | "stderr"): void;
}

const HOST = fileURLToPath(new URL("host.ts", import.meta.url));
const SHIFT_CLOCK = new URL("shift-clock.ts", import.meta.url).href;

/** Of an instance's memory the heap gets this share; Node itself needs the rest. */
const HEAP_SHARE = 0.75;

/** The variables and flags that bound a host's memory. */
function memoryBounds(memoryMiB: number | undefined): { flags: string[]; env: Record<string, string> } {
  if (memoryMiB === undefined) return { flags: [], env: {} };
  return {
    flags: [`--max-old-space-size=${Math.floor(memoryMiB * HEAP_SHARE)}`],
    env: { MEMORY_LIMIT_MIB: String(memoryMiB) },
  };
}

/** Starts a function host and resolves once it serves; rejects when it can't. */
export async function startHost(options: HostProcessOptions): Promise<HostProcess> {
  const { flags, env } = memoryBounds(options.memoryMiB);
  const child = spawn(
    process.execPath,
    [...flags, "--import", SHIFT_CLOCK, HOST, options.entry, options.manifestPath, String(options.port)],
    {
      env: { ...options.env, ...env, CLOCK_OFFSET_MS: String(options.clockOffsetMs) },
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    },
  );
  eachLine(child.stdout as Readable, (line) => options.onLine(line, "stdout"));
  eachLine(child.stderr as Readable, (line) => options.onLine(line, "stderr"));
  // "close" and not "exit": its last words have been read by then.
  const ended = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("close", (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
  const port = await readyPort(child, ended);
  return {
    port,
    pid: child.pid as number,
    setClock: (offsetMs) => setClock(child, offsetMs, ended),
    freeze: () => void child.kill("SIGSTOP"),
    wake: () => void child.kill("SIGCONT"),
    stop: (graceMs) => stopChild(child, graceMs, ended),
    ended,
  };
}

function eachLine(stream: Readable, use: (line: string) => void): void {
  createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY }).on("line", use);
}

async function readyPort(child: ChildProcess, ended: Promise<string>): Promise<number> {
  const answer = new Promise<number>((resolve, reject) => {
    child.on("message", (message: HostMessage) => {
      if (message.type === "ready") resolve(message.port);
      if (message.type === "failed") reject(new Error(`The functions can't start: ${message.reason}`));
    });
  });
  return Promise.race([
    answer,
    ended.then((how) => {
      throw new Error(`The functions ended before they were ready (${how}).`);
    }),
  ]);
}

async function setClock(child: ChildProcess, offsetMs: number, ended: Promise<string>): Promise<void> {
  let listen: (message: HostMessage) => void = () => undefined;
  const applied = new Promise<void>((resolve) => {
    listen = (message) => {
      if (message.type === "clock" && message.offsetMs === offsetMs) resolve();
    };
    child.on("message", listen);
  });
  if (child.connected) child.send({ type: "clock", offsetMs } satisfies ClockMessage);
  // A host that ends meanwhile is replaced by one that starts with the new time.
  await Promise.race([applied, ended]);
  child.removeListener("message", listen);
}

async function stopChild(child: ChildProcess, graceMs: number, ended: Promise<string>): Promise<void> {
  child.kill("SIGTERM");
  // A frozen process sees the signal only when it goes on.
  child.kill("SIGCONT");
  const kill = setTimeout(() => child.kill("SIGKILL"), graceMs);
  await ended;
  clearTimeout(kill);
}
