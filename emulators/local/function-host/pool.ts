import { type HostProcess, type HostProcessOptions, startHost } from "./host-process.ts";
import type { LogBook, LogEntry } from "./log-book.ts";

/** The running function hosts: one, or several that take turns as instances in the cloud do. */
export interface FunctionPool {
  /** The port of the host whose turn it is; undefined while none is up. */
  nextPort(): number | undefined;
  /** Resolves when a host is up, or the pool is stopped. */
  up(): Promise<void>;
  /** Resolves when all functions see the time as `offsetMs` ahead of the machine's. */
  setClock(offsetMs: number): Promise<void>;
  stop(): Promise<void>;
}

export interface FunctionPoolOptions extends Pick<HostProcessOptions, "entry" | "manifestPath" | "env"> {
  readonly logs: LogBook;
  /** What to call it when it has something to say: "The API's host". */
  readonly label: string;
  readonly instances: number;
  /** The port of a single host; several hosts take any free ports. */
  readonly port: number;
  /** Output that is no structured line, and what the pool itself has to say. */
  onText(text: string, stream: "stdout" | "stderr"): void;
  onLog(entry: LogEntry): void;
}

const BACKOFF_MS_FIRST = 250;
const BACKOFF_MS_MAX = 10_000;
/** A host that has run this long counts as healthy, so its next end counts as the first. */
const HEALTHY_MS = 30_000;
/** The host itself takes up to 10 s to drain. */
const STOP_GRACE_MS = 12_000;

interface Slot {
  host: HostProcess | undefined;
  readonly label: string;
}

/** Starts the hosts and resolves when all of them serve. A host that ends is replaced. */
export async function startFunctions(options: FunctionPoolOptions): Promise<FunctionPool> {
  const stopping = new AbortController();
  const slots: Slot[] = Array.from({ length: options.instances }, (_, index) => ({
    host: undefined,
    label: options.instances === 1 ? options.label : `${options.label} ${index + 1}`,
  }));

  let offsetMs = 0;
  const waiting: (() => void)[] = [];
  const comeUp = (): void => {
    for (const go of waiting.splice(0)) go();
  };
  const start = async (slot: Slot): Promise<void> => {
    const clockOffsetMs = offsetMs;
    const host = await startHost({
      entry: options.entry,
      manifestPath: options.manifestPath,
      env: options.env,
      port: options.instances === 1 ? options.port : 0,
      clockOffsetMs,
      onLine: (line, stream) => takeLine(options, line, stream),
    });
    // The clock may have been moved while the process was loading.
    if (offsetMs !== clockOffsetMs) await host.setClock(offsetMs);
    slot.host = host;
    comeUp();
  };

  const keepRunning = async (slot: Slot): Promise<void> => {
    let backoffMs = BACKOFF_MS_FIRST;
    while (!stopping.signal.aborted) {
      const startedAt = performance.now();
      const how = (await slot.host?.ended) ?? "did not start";
      slot.host = undefined;
      if (stopping.signal.aborted) return;
      if (performance.now() - startedAt > HEALTHY_MS) backoffMs = BACKOFF_MS_FIRST;
      options.onText(`${slot.label} ended (${how}). It starts again in ${backoffMs / 1000} s.`, "stderr");
      await pause(backoffMs, stopping.signal);
      backoffMs = Math.min(backoffMs * 2, BACKOFF_MS_MAX);
      if (stopping.signal.aborted) return;
      await start(slot).then(
        () => options.onText(`${slot.label} is up again.`, "stderr"),
        (cause: Error) => options.onText(cause.message, "stderr"),
      );
    }
    // A host that became ready while the pool was being stopped.
    await slot.host?.stop(STOP_GRACE_MS);
  };

  const stop = async (): Promise<void> => {
    stopping.abort();
    comeUp();
    await Promise.all(slots.map(async (slot) => slot.host?.stop(STOP_GRACE_MS)));
    await Promise.all(runs);
  };

  let runs: Promise<void>[] = [];
  const started = await Promise.allSettled(slots.map(start));
  const failure = started.find((outcome) => outcome.status === "rejected");
  if (failure !== undefined) {
    await stop();
    throw failure.reason;
  }
  runs = slots.map(keepRunning);

  let turn = 0;
  return {
    nextPort() {
      for (let tries = 0; tries < slots.length; tries += 1) {
        turn = (turn + 1) % slots.length;
        const port = slots[turn]?.host?.port;
        if (port !== undefined) return port;
      }
      return undefined;
    },
    async up() {
      if (stopping.signal.aborted || slots.some((slot) => slot.host !== undefined)) return;
      await new Promise<void>((resolve) => waiting.push(resolve));
    },
    async setClock(movedMs) {
      offsetMs = movedMs;
      await Promise.all(slots.map(async (slot) => slot.host?.setClock(movedMs)));
    },
    stop,
  };
}

export function takeLine(
  options: Pick<FunctionPoolOptions, "logs" | "onText" | "onLog">,
  line: string,
  stream: "stdout" | "stderr",
): void {
  const entry = stream === "stdout" ? options.logs.add(line) : undefined;
  if (entry === undefined) options.onText(line, stream);
  else options.onLog(entry);
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done, { once: true });
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    }
  });
}
