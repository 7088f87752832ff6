import { ApiError } from "./http.js";

const TRIES_MAX = 3;
const PAUSE_MS = 800;

/**
 * Tries again when the way was the problem, a little later each time. Only for what may be done twice:
 * reading, or writing under an Idempotency-Key.
 *
 * @template T
 * @param {() => Promise<T>} ask
 * @returns {Promise<T>}
 */
export async function retrying(ask) {
  for (let tries = 1; ; tries += 1) {
    try {
      return await ask();
    } catch (cause) {
      if (!(cause instanceof ApiError) || !cause.isTransient || tries === TRIES_MAX) throw cause;
      await new Promise((resolve) => setTimeout(resolve, Math.max(cause.retryAfterMs, PAUSE_MS * tries)));
    }
  }
}
