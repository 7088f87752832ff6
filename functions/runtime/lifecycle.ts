import { describeError, type Log } from "../../shared/platform/log.ts";
import { within } from "../../shared/platform/within.ts";
import { servingServers } from "./incoming.ts";

/** Work that must be finished before the instance goes. */
export interface Lifecycle {
  /** Counts the work as under way until it settles. */
  track<T>(work: () => Promise<T>): Promise<T>;
  /** Resolves when nothing is under way, or after `ms`. */
  idle(ms: number): Promise<void>;
}

export function createLifecycle(): Lifecycle {
  let active = 0;
  let idlers: (() => void)[] = [];
  return {
    async track(work) {
      active += 1;
      try {
        return await work();
      } finally {
        active -= 1;
        if (active === 0) {
          for (const resume of idlers) resume();
          idlers = [];
        }
      }
    },
    idle: (ms) =>
      new Promise((resolve) => {
        if (active === 0) return resolve();
        idlers.push(resolve);
        setTimeout(resolve, ms).unref();
      }),
  };
}

/**
 * Cloud Run sends SIGTERM and kills the instance ten seconds later; closing the clients takes up to two of
 * them (deps.ts).
 */
export const DRAIN_MS_MAX = 8_000;

/** What an instance has to do in the end. */
export interface LastWork {
  /** Tells what lasts that it has to go elsewhere, and waits for it. */
  end(): Promise<void>;
  /** Closes the clients. */
  close(): Promise<void>;
}

const OWNED = new Set<string | symbol>(["SIGTERM", "unhandledRejection", "uncaughtException"]);

/**
 * Makes the process ours: on SIGTERM it stops accepting, hands over what lasts, finishes what it has begun,
 * closes its clients and exits with 0; an unhandled rejection is logged and ends nothing. The framework
 * registers handlers that exit at once; those are taken off as they come.
 */
export function ownProcess(log: Log, lifecycle: Lifecycle, { end, close }: LastWork): void {
  let draining = false;
  const drain = async (signal: string): Promise<void> => {
    if (draining) return;
    draining = true;
    log.info("The instance is draining.", { signal });
    for (const server of servingServers()) {
      server.close();
      server.closeIdleConnections();
    }
    const handedOver = within(DRAIN_MS_MAX, end()).catch((cause: unknown) =>
      log.error("Something could not be handed over in time.", cause),
    );
    await Promise.all([handedOver, lifecycle.idle(DRAIN_MS_MAX)]);
    await close();
    process.exit(0);
  };
  process.on("newListener", (event, listener) => {
    if (!OWNED.has(event) || !/[\\/]functions-framework[\\/]/.test(new Error().stack ?? "")) return;
    queueMicrotask(() => process.off(event, listener as () => void));
  });
  process.on("SIGTERM", () => void drain("SIGTERM"));
  process.on("unhandledRejection", (cause) => log.error("A rejection was not handled.", cause));
  process.on("uncaughtException", (cause) => {
    log.write("CRITICAL", "An exception was not caught; the instance ends.", { error: describeError(cause) });
    process.exit(1);
  });
}
