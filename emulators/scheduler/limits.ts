/**
 * cloud.google.com/scheduler/docs/reference/rest/v1/projects.locations.jobs#Job.attempt_deadline, for HTTP
 * targets.
 */
export const DEADLINE_MS_MIN = 15 * 1000;
export const DEADLINE_MS_MAX = 30 * 60 * 1000;

/** The same page, RetryConfig: at most five retries; doublings and backoffs as given there. */
export const RETRIES_MAX = 5;
export const MIN_BACKOFF_MS_DEFAULT = 5 * 1000;
export const MAX_BACKOFF_MS_DEFAULT = 60 * 60 * 1000;
export const DOUBLINGS_DEFAULT = 5;

/**
 * How far ahead a schedule's next time is looked for. Ours: the rarest date, 29 February on a given
 * weekday, comes back within 40 years at most.
 */
export const SEARCH_YEARS_MAX = 41;
