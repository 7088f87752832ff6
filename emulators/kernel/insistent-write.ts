import type { Clock } from "./clock.ts";
import type { Database } from "./database.ts";

/** How long work that the disk refused waits before it is tried again. */
export const DISK_RETRY_MS = 1_000;

/**
 * Writes down what has already happened outside, such as the answer to a delivery: while the disk
 * refuses it, once more every second. Resolves with undefined if `ended` says so before it is kept.
 */
export async function writeInTheEnd<T>(
  clock: Clock,
  database: Database,
  work: () => T,
  ended: () => boolean,
): Promise<T | undefined> {
  for (;;) {
    try {
      return await database.write(work);
    } catch (cause) {
      if (ended()) return undefined;
      console.error(String(cause));
    }
    await new Promise<void>((resolve) => clock.at(clock.now() + DISK_RETRY_MS, resolve));
    if (ended()) return undefined;
  }
}
