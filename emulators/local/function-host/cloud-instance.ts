import { type HostProcess, type HostProcessOptions, startHost } from "./host-process.ts";

/** Ours: an idle instance loses its processor within this time, by chance sooner. Cloud Run says: at once. */
const FREEZE_MS_MAX = 50;
/** An instance has this long from SIGTERM until it is killed. */
const STOP_GRACE_MS = 10_000;

/** One instance of a service, which has a processor only while it has a request. */
export interface CloudInstance {
  readonly port: number;
  /** Requests that it has now. */
  readonly underway: number;
  readonly ended: Promise<string>;
  /** Gives it the processor for one more request. */
  begin(): void;
  end(): void;
  setClock(offsetMs: number): Promise<void>;
  /** SIGTERM, and SIGKILL after ten seconds. */
  stop(): Promise<void>;
}

export interface CloudInstanceOptions extends Omit<HostProcessOptions, "port"> {
  /** In [0, 1). */
  readonly random: () => number;
  /** Called before it is frozen for the first time. */
  onStarted(pid: number): void;
}

export async function startInstance({
  random,
  onStarted,
  ...options
}: CloudInstanceOptions): Promise<CloudInstance> {
  const host: HostProcess = await startHost({ ...options, port: 0 });
  onStarted(host.pid);
  let underway = 0;
  let stopping = false;
  let freezing: NodeJS.Timeout | undefined;
  const freezeSoon = (): void => {
    clearTimeout(freezing);
    freezing = setTimeout(() => {
      if (underway === 0 && !stopping) host.freeze();
    }, random() * FREEZE_MS_MAX);
  };
  const wake = (): void => {
    clearTimeout(freezing);
    host.wake();
  };
  freezeSoon();
  return {
    port: host.port,
    ended: host.ended,
    get underway() {
      return underway;
    },
    begin() {
      underway += 1;
      wake();
    },
    end() {
      underway -= 1;
      if (underway === 0) freezeSoon();
    },
    async setClock(offsetMs) {
      wake();
      await host.setClock(offsetMs);
      if (underway === 0) freezeSoon();
    },
    async stop() {
      stopping = true;
      clearTimeout(freezing);
      await host.stop(STOP_GRACE_MS);
    },
  };
}
