/** Where a profile's samples fell, as Chrome's DevTools protocol tells it. */
export interface CpuProfile {
  readonly nodes: readonly ProfileNode[];
  /** The node that was on top at each sample. */
  readonly samples: readonly number[];
}

export interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  readonly children?: readonly number[];
}

/** Profiles a process that listens to its inspector. */
export interface Inspector {
  start(): Promise<void>;
  stop(): Promise<CpuProfile>;
  close(): void;
}

const SAMPLE_MICROS = 200;
const OPEN_MS_MAX = 5_000;

/** Makes a process that was started with `--inspect-port` listen, and connects to it. */
export async function openInspector(pid: number, port: number): Promise<Inspector> {
  process.kill(pid, "SIGUSR1");
  const socket = new WebSocket(await debuggerUrl(port));
  await new Promise((resolve, reject) => {
    socket.addEventListener("open", resolve);
    socket.addEventListener("error", () => reject(new Error("The inspector refuses the connection.")));
  });
  let last = 0;
  const waiting = new Map<number, (result: { profile: CpuProfile }) => void>();
  socket.addEventListener("message", ({ data }) => {
    const { id, result } = JSON.parse(String(data));
    waiting.get(id)?.(result);
    waiting.delete(id);
  });
  const send = (method: string, params: object = {}): Promise<{ profile: CpuProfile }> =>
    new Promise((resolve) => {
      last += 1;
      waiting.set(last, resolve);
      socket.send(JSON.stringify({ id: last, method, params }));
    });
  await send("Profiler.enable");
  await send("Profiler.setSamplingInterval", { interval: SAMPLE_MICROS });
  return {
    start: async () => void (await send("Profiler.start")),
    stop: async () => (await send("Profiler.stop")).profile,
    close: () => socket.close(),
  };
}

async function debuggerUrl(port: number): Promise<string> {
  for (const endMs = performance.now() + OPEN_MS_MAX; performance.now() < endMs;) {
    const found = await fetch(`http://127.0.0.1:${port}/json`).then(
      (response) => response.json() as Promise<{ webSocketDebuggerUrl: string }[]>,
      () => [],
    );
    const url = found[0]?.webSocketDebuggerUrl;
    if (url !== undefined) return url;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error("The process does not open its inspector.");
}
