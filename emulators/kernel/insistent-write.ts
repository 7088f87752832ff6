import type { Clock } from "./clock.ts";
import type { Database } from "./database.ts";

/** How long to wait after the disk has failed before the next attempt. */
export const DISK_RETRY_MS = 1_000;

/**
 * Stores what has already happened outside, such as the answer to a delivery. While the disk fails, it tries
 * again every second. Resolves with undefined if `ended` becomes true before it is stored.
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
