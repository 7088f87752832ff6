/**
 * Notification and data together
 * (firebase.google.com/docs/cloud-messaging/customize-messages/set-message-type).
 */
export const PAYLOAD_BYTES_MAX = 4096;

/** The header `apns-collapse-id` (Apple, "Sending notification requests to APNs"). */
export const COLLAPSE_ID_BYTES_MAX = 64;

/** Four weeks (firebase.google.com/docs/cloud-messaging/customize-messages/setting-message-lifespan). */
export const TTL_SECONDS_MAX = 28 * 24 * 3600;

/** Ours: a message of 4 KB fits many times over, escaped in whatever way. */
export const BODY_BYTES_MAX = 64 * 1024;

/** Ours: pushes are for looking at, so only the newest are kept. */
export const PUSHES_KEPT_MAX = 1000;

/** Pushes that one listing returns unless told otherwise. Ours. */
export const LIST_DEFAULT = 100;
