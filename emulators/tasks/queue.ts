import type { Message } from "../kernel/rpc.ts";
import { millis, protoTime } from "../kernel/proto-time.ts";
import { StatusError } from "../kernel/status-error.ts";
import * as limits from "./limits.ts";
import type { RetryConfig } from "./retry.ts";

export interface QueueSettings extends RetryConfig {
  readonly dispatchesPerSecond: number;
  readonly concurrentMax: number;
}

export interface Queue {
  /** The full name: `projects/…/locations/…/queues/…`. */
  readonly name: string;
  readonly project: string;
  readonly paused: boolean;
  readonly purgedMs: number | undefined;
  readonly settings: QueueSettings;
}

const DEFAULTS: QueueSettings = {
  dispatchesPerSecond: limits.DISPATCHES_PER_SECOND_DEFAULT,
  concurrentMax: limits.CONCURRENT_DISPATCHES_DEFAULT,
  attemptsMax: limits.ATTEMPTS_DEFAULT,
  retryDurationMs: 0,
  minBackoffMs: limits.MIN_BACKOFF_MS_DEFAULT,
  maxBackoffMs: limits.MAX_BACKOFF_MS_DEFAULT,
  doublingsMax: limits.DOUBLINGS_DEFAULT,
};

/** The wire's fields by the path that an update mask gives them. A zero means that the service picks. */
const FIELDS: Readonly<Record<string, (queue: Message) => Partial<QueueSettings>>> = {
  "rateLimits.maxDispatchesPerSecond": (queue) => ({
    dispatchesPerSecond: queue.rateLimits?.maxDispatchesPerSecond || DEFAULTS.dispatchesPerSecond,
  }),
  "rateLimits.maxConcurrentDispatches": (queue) => ({
    concurrentMax: queue.rateLimits?.maxConcurrentDispatches || DEFAULTS.concurrentMax,
  }),
  "retryConfig.maxAttempts": (queue) => ({
    attemptsMax: queue.retryConfig?.maxAttempts || DEFAULTS.attemptsMax,
  }),
  "retryConfig.maxRetryDuration": (queue) => ({
    retryDurationMs: millis(queue.retryConfig?.maxRetryDuration) ?? DEFAULTS.retryDurationMs,
  }),
  "retryConfig.minBackoff": (queue) => ({
    minBackoffMs: millis(queue.retryConfig?.minBackoff) ?? DEFAULTS.minBackoffMs,
  }),
  "retryConfig.maxBackoff": (queue) => ({
    maxBackoffMs: millis(queue.retryConfig?.maxBackoff) ?? DEFAULTS.maxBackoffMs,
  }),
  "retryConfig.maxDoublings": (queue) => ({
    doublingsMax: queue.retryConfig?.maxDoublings || DEFAULTS.doublingsMax,
  }),
};

const camelCase = (path: string): string =>
  path.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** The settings a request asks for: those the mask names (none: all), the others as in `base`. */
export function parseSettings(
  queue: Message,
  base: QueueSettings = DEFAULTS,
  mask: readonly string[] = [],
): QueueSettings {
  if (queue.appEngineRoutingOverride || queue.stackdriverLoggingConfig) {
    throw new StatusError("UNIMPLEMENTED", "Queues have no App Engine routing and no logging here.");
  }
  let settings = base;
  for (const path of mask.length === 0 ? ["rateLimits", "retryConfig"] : mask.map(camelCase)) {
    const fields = Object.entries(FIELDS).filter(([name]) => name === path || name.startsWith(`${path}.`));
    if (fields.length === 0) throw new StatusError("INVALID_ARGUMENT", `The update mask names ${path}.`);
    for (const [, read] of fields) settings = { ...settings, ...read(queue) };
  }
  return checkSettings(settings);
}

function checkSettings(settings: QueueSettings): QueueSettings {
  const { dispatchesPerSecond, concurrentMax, attemptsMax, minBackoffMs, maxBackoffMs } = settings;
  const { retryDurationMs, doublingsMax } = settings;
  const refuse = (field: string): never => {
    throw new StatusError("INVALID_ARGUMENT", `${field} is out of range.`);
  };
  if (!(dispatchesPerSecond > 0 && dispatchesPerSecond <= limits.DISPATCHES_PER_SECOND_MAX)) {
    refuse("RateLimits.max_dispatches_per_second");
  }
  if (concurrentMax < 0 || concurrentMax > limits.CONCURRENT_DISPATCHES_MAX) {
    refuse("RateLimits.max_concurrent_dispatches");
  }
  if (attemptsMax < -1) refuse("RetryConfig.max_attempts");
  if (minBackoffMs < 0 || minBackoffMs > maxBackoffMs) refuse("RetryConfig.min_backoff");
  if (retryDurationMs < 0) refuse("RetryConfig.max_retry_duration");
  if (doublingsMax < 0) refuse("RetryConfig.max_doublings");
  return settings;
}

export const burstOf = (settings: QueueSettings): number =>
  Math.max(Math.ceil(settings.dispatchesPerSecond * limits.BURST_SECONDS), limits.BURST_MIN);

/** The queue as google.cloud.tasks.v2.Queue. */
export function queueMessage({ name, paused, purgedMs, settings }: Queue): Message {
  return {
    name,
    state: paused ? 2 : 1,
    rateLimits: {
      maxDispatchesPerSecond: settings.dispatchesPerSecond,
      maxBurstSize: burstOf(settings),
      maxConcurrentDispatches: settings.concurrentMax,
    },
    retryConfig: {
      maxAttempts: settings.attemptsMax,
      maxRetryDuration: settings.retryDurationMs === 0 ? undefined : protoTime(settings.retryDurationMs),
      minBackoff: protoTime(settings.minBackoffMs),
      maxBackoff: protoTime(settings.maxBackoffMs),
      maxDoublings: settings.doublingsMax,
    },
    purgeTime: purgedMs === undefined ? undefined : protoTime(purgedMs),
  };
}

const PROJECT = "projects/[A-Za-z0-9:.-]+";
const LOCATION = `${PROJECT}/locations/[a-z0-9-]+`;
const QUEUE = `${LOCATION}/queues/[A-Za-z0-9-]{1,100}`;
const patterns = {
  location: new RegExp(`^${LOCATION}$`),
  queue: new RegExp(`^${QUEUE}$`),
  task: new RegExp(`^${QUEUE}/tasks/[A-Za-z0-9_-]{1,500}$`),
};

/** The name, if it has the documented form of its kind. */
export function parseName(kind: keyof typeof patterns, name: unknown): string {
  if (typeof name === "string" && patterns[kind].test(name)) return name;
  throw new StatusError("INVALID_ARGUMENT", `This is no name of a ${kind}: ${JSON.stringify(name)}.`);
}
