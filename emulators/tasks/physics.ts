/**
 * How Cloud Tasks spares a target that is overloaded, where the suite's physics are on. Source:
 * cloud.google.com/tasks/docs/common-pitfalls, "Backoff errors and enforced rates": after 429 and 503
 * execution slows down until the errors stop, and settings stay as they are. By how much is not documented.
 */
const SLOW_DOWN: ReadonlySet<number | undefined> = new Set([429, 503]);

export const answersSlowDown = (status: number | undefined): boolean => SLOW_DOWN.has(status);

/** Ours: each such answer halves the queue's rate and burst, down to this share; a success doubles them. */
export const SHARE_MIN = 1 / 256;
