import { AppError } from "./errors.ts";

/**
 * The result of `work`, or `unavailable` after `ms` milliseconds. The work itself goes on: Google's
 * clients offer no way to give up on a call, so callers treat the outcome as unknown.
 */
export async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new AppError("unavailable", "A service did not answer in time.", { retryAfterSeconds: 1 }));
    }, ms);
  });
  try {
    return await Promise.race([work, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}

/** How long a read may take before the request gives up on it. */
export const READ_MS_MAX = 5_000;
