/**
 * Cloud Storage's limits. Sources: cloud.google.com/storage/quotas (Q), …/docs/objects#naming (N),
 * …/docs/buckets#naming (B), …/docs/resumable-uploads (R), …/docs/json_api/v1 (J), …/docs/xml-api (X),
 * …/docs/access-control/signed-urls (S), …/docs/lifecycle (L), …/docs/soft-delete (D).
 */

const SECOND_MS = 1000;
const HOUR_MS = 60 * 60 * SECOND_MS;
export const DAY_MS = 24 * HOUR_MS;

const KIB = 1024;
const MIB = KIB * KIB;

/** N. */
export const OBJECT_NAME_BYTES_MAX = 1024;

/** B: without dots; with dots 222, each part at most 63. */
export const BUCKET_NAME_CHARS_MIN = 3;
export const BUCKET_NAME_CHARS_MAX = 63;
export const BUCKET_NAME_DOTTED_CHARS_MAX = 222;

/** Q: 5 TiB an object, 8 KiB of custom metadata. */
export const OBJECT_BYTES_MAX = 5 * KIB ** 4;
export const CUSTOM_METADATA_BYTES_MAX = 8 * KIB;
/** Q: object contexts. */
export const CONTEXTS_MAX = 50;
export const CONTEXT_CHARS_MAX = 256;

/** The metadata part of a multipart upload, and any other JSON body; the service names it, not its size. */
export const METADATA_PART_BYTES_MAX = 2 * MIB;
export const JSON_BODY_BYTES_MAX = 2 * MIB;
/** An XML body: completing an upload of 10,000 parts takes about 1 MiB. */
export const XML_BODY_BYTES_MAX = 4 * MIB;

/** R: chunks but the last are multiples of this; a session lives a week. */
export const CHUNK_BYTES = 256 * KIB;
export const SESSION_MS = 7 * DAY_MS;
/** Ours: how long an expired session answers 410, before it is forgotten and answers 404. */
export const EXPIRED_SESSION_MS = DAY_MS;

/** Q: objects in one compose call, and components in all that it is made of (none since 2019). */
export const COMPOSE_SOURCES_MAX = 32;

/** J (objects.rewrite, maxBytesRewrittenPerCall). */
export const REWRITE_BYTES_MIN = MIB;
/** Ours: so much is rewritten a call between storage classes or locations, where bytes really move. */
export const REWRITE_BYTES_DEFAULT = 1024 * MIB;

/** Q: HMAC keys of a service account, those that are deleted not counted. */
export const HMAC_KEYS_MAX = 10;

/** J (objects.list, maxResults), X (max-keys). */
export const PAGE_MAX = 1000;

/** X: multipart uploads. */
export const PARTS_MAX = 10_000;
export const PART_BYTES_MIN = 5 * MIB;

/** S. */
export const SIGNED_URL_SECONDS_MAX = 604_800;
/** S: a request signed for later is refused until then; clocks may differ by so much. */
export const CLOCK_SKEW_MS = 15 * 60 * SECOND_MS;

/** J (buckets, retentionPolicy): 100 years. */
export const RETENTION_SECONDS_MAX = 3_155_760_000;
/** D: none, or 7 to 90 days. */
export const SOFT_DELETE_SECONDS_MIN = 7 * 86_400;
export const SOFT_DELETE_SECONDS_MAX = 90 * 86_400;
/** J (uniformBucketLevelAccess.lockedTime). */
export const UNIFORM_ACCESS_LOCK_MS = 90 * DAY_MS;

/** Q: notification configurations of a bucket, and their custom attributes. */
export const NOTIFICATIONS_MAX = 100;
export const NOTIFICATION_ATTRIBUTES_MAX = 5;
/** L. */
export const LIFECYCLE_RULES_MAX = 100;

/** Ours: how often lifecycle rules and expiries are looked after; the service takes up to a day. */
export const SWEEP_MS = HOUR_MS;
/** Ours: how many objects one step of a sweep reads before other requests have their turn. */
export const SWEEP_BATCH = 500;

/** Ours: pauses before a notification is published again, doubling between these. */
export const PUBLISH_PAUSE_MS_MIN = SECOND_MS;
export const PUBLISH_PAUSE_MS_MAX = 60 * SECOND_MS;

/** Ours: the form fields before the file of a POST object request. */
export const FORM_FIELD_BYTES_MAX = MIB;

/** J (batch): calls in one batch request. */
export const BATCH_CALLS_MAX = 100;
export const BATCH_BODY_BYTES_MAX = 10 * MIB;
