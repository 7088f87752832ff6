/** When a failed task is retried, and when it is given up: the documented rules of RetryConfig. */
export interface RetryConfig {
  /** -1: without end. */
  readonly attemptsMax: number;
  /** 0: without end. */
  readonly retryDurationMs: number;
  readonly minBackoffMs: number;
  readonly maxBackoffMs: number;
  readonly doublingsMax: number;
}

/** The wait after the `failures`-th failure: it doubles `doublingsMax` times, then grows by a constant. */
export function backoffMs(config: RetryConfig, failures: number): number {
  const doublings = Math.min(failures - 1, config.doublingsMax);
  const steps = Math.max(failures - 1 - config.doublingsMax, 0) + 1;
  return Math.min(config.minBackoffMs * 2 ** doublings * steps, config.maxBackoffMs);
}

/** Where both bounds are set, both must be reached: a task gets at least `attemptsMax` attempts. */
export function isExhausted(config: RetryConfig, attempts: number, sinceFirstAttemptMs: number): boolean {
  const attemptsUsed = config.attemptsMax !== -1 && attempts >= config.attemptsMax;
  if (config.retryDurationMs === 0) return attemptsUsed;
  const tooOld = sinceFirstAttemptMs >= config.retryDurationMs;
  return tooOld && (attemptsUsed || config.attemptsMax === -1);
}
