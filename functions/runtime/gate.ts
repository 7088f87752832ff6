import { limitedAddress } from "../../shared/identity/caller.ts";
import type { Clock } from "../../shared/platform/clock.ts";
import { AppError } from "../../shared/platform/errors.ts";

/**
 * Limits requests without valid credentials, preflights included, by the address that they come from, before
 * anything is read for them. Each instance counts in its own memory. The limits that hold over all instances
 * come later, when the app is known.
 */
export interface Gate {
  /** Counts a request. No Firestore operation. @throws AppError `quota_exceeded` */
  pass(ip: string): void;
}

const WINDOW_MS = 60_000;
/**
 * How many addresses are remembered. Beyond that the oldest one is forgotten, and counts from zero when it
 * comes back.
 */
export const ADDRESSES_MAX = 20_000;

interface Counted {
  windowMs: number;
  now: number;
  before: number;
}

/**
 * Counts requests by windows of a minute. Of the previous window it counts the share that lies within the
 * last 60 seconds, as if its requests had come evenly.
 */
export function createGate(clock: Clock, perMinute: number): Gate {
  const addresses = new Map<string, Counted>();
  return {
    pass(ip) {
      const address = limitedAddress(ip);
      const nowMs = clock.now();
      const windowMs = nowMs - (nowMs % WINDOW_MS);
      const known = addresses.get(address);
      const counted = known ?? { windowMs, now: 0, before: 0 };
      if (counted.windowMs !== windowMs) {
        counted.before = counted.windowMs === windowMs - WINDOW_MS ? counted.now : 0;
        counted.now = 0;
        counted.windowMs = windowMs;
      }
      if (known === undefined) addresses.set(address, counted);
      const [first] = addresses.keys();
      if (addresses.size > ADDRESSES_MAX && first !== undefined) addresses.delete(first);
      const share = 1 - (nowMs - windowMs) / WINDOW_MS;
      if (counted.now + counted.before * share >= perMinute) {
        throw new AppError("quota_exceeded", "Too many requests without credentials; try again later.", {
          retryAfterSeconds: Math.max(1, Math.ceil((windowMs + WINDOW_MS - nowMs) / 1000)),
          violatedPolicies: ["unproved"],
        });
      }
      counted.now += 1;
    },
  };
}
