/** What the client needs of the world it runs in: browsers and Node have it all, tests bring their own. */
export interface Environment {
  fetch(url: string, init?: RequestInit): Promise<Response>;
  /** Milliseconds since 1970. */
  now(): number;
  /** Calls back once after so long; the answer cancels it. */
  after(ms: number, work: () => void): () => void;
  /** In [0, 1), for jitter. */
  random(): number;
  /** A name that nobody else gives: Idempotency-Keys. */
  randomId(): string;
}

export const platformEnvironment: Environment = {
  // Browsers refuse a fetch that is called as a method of another object.
  fetch: (url, init) => fetch(url, init),
  now: () => Date.now(),
  after(ms, work) {
    const timer = setTimeout(work, ms);
    return () => clearTimeout(timer);
  },
  random: () => Math.random(),
  randomId: () => crypto.randomUUID(),
};

/** Where the client keeps what has to outlive a reload. */
export interface KeyValueStore {
  read(key: string): string | undefined;
  write(key: string, value: string): void;
  remove(key: string): void;
  keys(): readonly string[];
}

export function memoryStore(): KeyValueStore {
  const entries = new Map<string, string>();
  return {
    read: (key) => entries.get(key),
    write: (key, value) => void entries.set(key, value),
    remove: (key) => void entries.delete(key),
    keys: () => [...entries.keys()],
  };
}

/** As browsers have it: localStorage, sessionStorage. */
interface WebStorage {
  readonly length: number;
  key(index: number): string | null;
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

export const webStore = (storage: WebStorage): KeyValueStore => ({
  read: (key) => storage.getItem(key) ?? undefined,
  write: (key, value) => storage.setItem(key, value),
  remove: (key) => storage.removeItem(key),
  keys: () => Array.from({ length: storage.length }, (_, index) => storage.key(index) ?? ""),
});

/** Resolves after so long, or at once when the signal says that nobody waits any more. */
export function pause(env: Pick<Environment, "after">, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const finish = (): void => {
      cancel();
      signal?.removeEventListener("abort", finish);
      resolve();
    };
    const cancel = env.after(ms, finish);
    signal?.addEventListener("abort", finish);
  });
}

const BACKOFF_MS_FIRST = 500;
export const BACKOFF_MS_MAX = 30_000;

/**
 * How long to wait after so many failures in a row: twice as long each time, at random between half and all
 * of that.
 */
export function backoffMs(env: Pick<Environment, "random">, failures: number): number {
  const ceiling = Math.min(BACKOFF_MS_FIRST * 2 ** (failures - 1), BACKOFF_MS_MAX);
  return ceiling * (0.5 + env.random() / 2);
}
