/**
 * Cloud Tasks' limits. Sources: cloud.google.com/tasks/docs/quotas (Q), the comments of the protos
 * google.cloud.tasks.v2 (P), and `gcloud tasks queues describe` of a queue created without settings (G).
 */

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** Q: size of a task, here of its encoded HTTP request. */
export const TASK_BYTES_MAX = 1024 * 1024;
/** Q: how far ahead a task can be scheduled. */
export const SCHEDULE_AHEAD_MS_MAX = 30 * DAY_MS;
/**
 * How long a name stays taken after the task's end: up to so long. P (CreateTaskRequest.task) said "about an
 * hour"; Google's reference now says up to 24 hours, and here it is always the longest.
 */
export const NAME_TAKEN_MS = DAY_MS;
/** P (HttpRequest.url). */
export const URL_CHARS_MAX = 2083;

/** P (Task.dispatch_deadline), for HTTP tasks. */
export const DEADLINE_MS_MIN = 15 * SECOND_MS;
export const DEADLINE_MS_MAX = 30 * MINUTE_MS;
export const DEADLINE_MS_DEFAULT = 10 * MINUTE_MS;

/** P (RateLimits); the defaults are G. */
export const DISPATCHES_PER_SECOND_MAX = 500;
export const DISPATCHES_PER_SECOND_DEFAULT = 500;
export const CONCURRENT_DISPATCHES_MAX = 5000;
export const CONCURRENT_DISPATCHES_DEFAULT = 1000;

/**
 * G: a queue of 500 dispatches a second gets bursts of 100. How the service picks other sizes is not
 * documented.
 */
export const BURST_SECONDS = 0.2;
export const BURST_MIN = 10;

/** G. */
export const ATTEMPTS_DEFAULT = 100;
export const MIN_BACKOFF_MS_DEFAULT = 100;
export const MAX_BACKOFF_MS_DEFAULT = HOUR_MS;
export const DOUBLINGS_DEFAULT = 16;

/** P (ListQueuesRequest, ListTasksRequest). */
export const QUEUES_PAGE_MAX = 9800;
export const TASKS_PAGE_MAX = 1000;

/** Ours: tasks read from the disk at once, so that a queue of large bodies doesn't fill the memory. */
export const DISPATCH_BATCH = 100;

/** Ours: tasks that ran out of attempts, remembered for `snapshot`. */
export const EXHAUSTED_KEPT = 100;
