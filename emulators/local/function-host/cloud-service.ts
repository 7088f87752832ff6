import { type CloudInstance, type CloudInstanceOptions, startInstance } from "./cloud-instance.ts";

/** A service of Cloud Run: instances that come when there is more to do and go when there is less. */
export interface CloudService {
  /**
   * An instance with room for one more request, which has begun on it; undefined where none had room in time.
   * An abort of `signal` gives the place in the line up.
   */
  begin(signal: AbortSignal): Promise<CloudInstance | undefined>;
  /** Ends a request that has begun. */
  end(instance: CloudInstance): void;
  /** Resolves when an instance is up, or the service is stopped. */
  up(): Promise<void>;
  setClock(offsetMs: number): Promise<void>;
  stop(): Promise<void>;
}

export interface ServiceBounds {
  /** What to call it when it has something to say. */
  readonly label: string;
  /** Requests at once on one instance. */
  readonly concurrency: number;
  readonly memoryMiB: number;
  readonly instancesMin: number;
  readonly instancesMax: number;
}

export interface CloudServiceOptions
  extends ServiceBounds, Omit<CloudInstanceOptions, "clockOffsetMs" | "memoryMiB"> {
  readonly clockOffsetMs: () => number;
  /** How long a request waits for an instance. */
  readonly pendingMs: number;
  /** How long an instance beyond the least number stays without a request. */
  readonly idleMs: number;
  onText(text: string, stream: "stdout" | "stderr"): void;
}

/** Ours: requests that may wait for an instance. */
export const PENDING_MAX = 1_000;
/** Before an instance that failed is followed by another. */
const RESTART_MS = 250;

interface Pending {
  take(instance: CloudInstance | undefined): void;
}

export async function startService(options: CloudServiceOptions): Promise<CloudService> {
  const { label, concurrency, instancesMin, instancesMax, random, onText } = options;
  const instances = new Set<CloudInstance>();
  const idling = new Map<CloudInstance, NodeJS.Timeout>();
  const pending: Pending[] = [];
  const waitingForUp: (() => void)[] = [];
  const ending = new Set<Promise<unknown>>();
  let starting = 0;
  let stopped = false;

  /** Stopping waits for this, too. */
  const untilDone = (work: Promise<void>): void => {
    const end = work.finally(() => ending.delete(end));
    ending.add(end);
  };

  const start = async (): Promise<void> => {
    starting += 1;
    const offsetMs = options.clockOffsetMs();
    const instance = await startInstance({ ...options, clockOffsetMs: offsetMs }).finally(() => {
      starting -= 1;
    });
    if (stopped) return instance.stop();
    if (options.clockOffsetMs() !== offsetMs) await instance.setClock(options.clockOffsetMs());
    instances.add(instance);
    void instance.ended.then((how) => replace(instance, how));
    for (const go of waitingForUp.splice(0)) go();
    servePending();
    idle(instance);
  };

  /** An instance that ended by itself is followed by another if it is missed. */
  const replace = (instance: CloudInstance, how: string): void => {
    clearTimeout(idling.get(instance));
    idling.delete(instance);
    if (!instances.delete(instance) || stopped) return;
    onText(`An instance of ${label} ended (${how}).`, "stderr");
    setTimeout(scaleOut, RESTART_MS);
  };

  const scaleOut = (): void => {
    if (stopped || instances.size + starting >= instancesMax) return;
    const wanted = pending.length > 0 || instances.size + starting < instancesMin;
    if (wanted) {
      const run = start().catch((cause: Error) => {
        onText(cause.message, "stderr");
        setTimeout(scaleOut, RESTART_MS);
      });
      untilDone(run);
    }
  };

  const scaleIn = (instance: CloudInstance): void => {
    idling.delete(instance);
    if (stopped || instance.underway > 0 || instances.size <= instancesMin) return;
    instances.delete(instance);
    untilDone(instance.stop());
  };

  const idle = (instance: CloudInstance): void => {
    if (instance.underway > 0 || idling.has(instance) || !instances.has(instance)) return;
    idling.set(
      instance,
      setTimeout(() => scaleIn(instance), options.idleMs),
    );
  };

  /** Requests are spread by chance, as over instances that don't know of each other. */
  const take = (): CloudInstance | undefined => {
    const free = [...instances].filter(({ underway }) => underway < concurrency);
    const instance = free[Math.floor(random() * free.length)];
    if (instance === undefined) return undefined;
    clearTimeout(idling.get(instance));
    idling.delete(instance);
    instance.begin();
    return instance;
  };

  const servePending = (): void => {
    for (let first = pending[0]; first !== undefined; first = pending[0]) {
      const instance = take();
      if (instance === undefined) return;
      first.take(instance);
    }
  };

  const wait = (signal: AbortSignal): Promise<CloudInstance | undefined> =>
    new Promise((resolve) => {
      const entry: Pending = {
        take(instance) {
          clearTimeout(timer);
          signal.removeEventListener("abort", giveUp);
          pending.splice(pending.indexOf(entry), 1);
          resolve(instance);
        },
      };
      const giveUp = (): void => entry.take(undefined);
      const timer = setTimeout(giveUp, options.pendingMs);
      signal.addEventListener("abort", giveUp);
      pending.push(entry);
      scaleOut();
    });

  const stop = async (): Promise<void> => {
    stopped = true;
    for (const timer of idling.values()) clearTimeout(timer);
    while (pending.length > 0) pending[0]?.take(undefined);
    for (const go of waitingForUp.splice(0)) go();
    await Promise.all([...[...instances].map((instance) => instance.stop()), ...ending]);
  };

  const first = await Promise.allSettled(Array.from({ length: instancesMin }, start));
  const failure = first.find((outcome) => outcome.status === "rejected");
  if (failure !== undefined) {
    await stop();
    throw failure.reason;
  }
  return {
    async begin(signal) {
      if (stopped || signal.aborted) return undefined;
      const instance = pending.length === 0 ? take() : undefined;
      if (instance !== undefined || pending.length >= PENDING_MAX) return instance;
      return wait(signal);
    },
    end(instance) {
      instance.end();
      servePending();
      idle(instance);
    },
    async up() {
      if (stopped || instances.size > 0) return;
      await new Promise<void>((resolve) => waitingForUp.push(resolve));
    },
    async setClock(offsetMs) {
      await Promise.all([...instances].map((instance) => instance.setClock(offsetMs)));
    },
    stop,
  };
}
