/**
 * Pub/Sub's limits. Sources: cloud.google.com/pubsub/quotas#resource_limits (Q), the comments of the
 * proto google.pubsub.v1 (P), cloud.google.com/pubsub/docs/push (H), …/docs/subscription-message-filter (F).
 */

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** Q: a message, and a publish request. */
export const MESSAGE_BYTES_MAX = 10_000_000;
export const PUBLISH_BYTES_MAX = 10_000_000;
export const PUBLISH_MESSAGES_MAX = 1000;
export const ATTRIBUTES_MAX = 100;
export const ATTRIBUTE_KEY_BYTES_MAX = 256;
export const ATTRIBUTE_VALUE_BYTES_MAX = 1024;
export const ORDERING_KEY_BYTES_MAX = 1024;

/** P (Subscription.ack_deadline_seconds, ModifyAckDeadlineRequest). */
export const ACK_DEADLINE_SECONDS_MIN = 10;
export const ACK_DEADLINE_SECONDS_MAX = 600;
export const ACK_DEADLINE_SECONDS_DEFAULT = 10;
/** Q: an acknowledge request is at most 512 KiB, which are about so many ids. */
export const ACK_IDS_MAX = 2500;

/** P (message_retention_duration of topics and subscriptions). */
export const RETENTION_MS_MIN = 10 * MINUTE_MS;
export const RETENTION_MS_MAX = 31 * DAY_MS;
export const RETENTION_MS_DEFAULT = 7 * DAY_MS;

/** P (ExpirationPolicy, Subscription.expiration_policy). */
export const EXPIRATION_MS_MIN = DAY_MS;
export const EXPIRATION_MS_DEFAULT = 31 * DAY_MS;

/** P (RetryPolicy). */
export const BACKOFF_MS_MAX = 600 * SECOND_MS;
export const MIN_BACKOFF_MS_DEFAULT = 10 * SECOND_MS;
export const MAX_BACKOFF_MS_DEFAULT = 600 * SECOND_MS;

/** P (DeadLetterPolicy.max_delivery_attempts). */
export const DELIVERY_ATTEMPTS_MIN = 5;
export const DELIVERY_ATTEMPTS_MAX = 100;
export const DELIVERY_ATTEMPTS_DEFAULT = 5;

/** F. */
export const FILTER_BYTES_MAX = 256;

/** P (Snapshot.expire_time, CreateSnapshot). */
export const SNAPSHOT_MS_MAX = 7 * DAY_MS;
export const SNAPSHOT_MS_MIN = HOUR_MS;

/** H: after failures a push subscription without a retry policy pauses as a whole, between these. */
export const PUSH_PAUSE_MS_MIN = 100;
export const PUSH_PAUSE_MS_MAX = 60 * SECOND_MS;

/**
 * Pushes under way at once: H describes a window that grows with each success and shrinks with each
 * failure. Its sizes are ours; the service goes to thousands, which one machine would only queue.
 */
export const PUSH_WINDOW_START = 10;
export const PUSH_WINDOW_MAX = 100;

/**
 * Ours: how long a Pull waits for a first message. P says "a bounded amount of time"; so short that a test
 * which looks whether anything is left gets its answer within most runners' limit.
 */
export const PULL_WAIT_MS = 4 * SECOND_MS;

/** Ours: what one response to a puller holds at most, so that streams share a backlog evenly. */
export const BATCH_MESSAGES_MAX = 100;
export const BATCH_BYTES_MAX = 10_000_000;
/** Ours: how many messages of one ordering key go out together. */
export const RUN_MESSAGES_MAX = 1000;

/** Q: a schema's definition, and its revisions. */
export const SCHEMA_BYTES_MAX = 300 * 1024;
export const SCHEMA_REVISIONS_MAX = 20;

/** Ours: how often retention and snapshots' expiry are looked after. */
export const SWEEP_MS = MINUTE_MS;

/** P names no page sizes; the client asks for at most so many. */
export const PAGE_MAX = 1000;

/** Ours: dead letters remembered for `snapshot`. */
export const DEAD_LETTERS_KEPT = 100;
