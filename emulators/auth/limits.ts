/**
 * Identity Toolkit's limits. Sources: firebase.google.com/docs/auth/limits (L), …/docs/auth/admin/* (A),
 * cloud.google.com/identity-platform/docs/reference/rest (R), …/docs/auth/admin/manage-cookies (C).
 */

/** A (verify-id-tokens): ID tokens live an hour. */
export const ID_TOKEN_SECONDS = 3600;

/** C: session cookies live from five minutes to two weeks. */
export const SESSION_COOKIE_SECONDS_MIN = 5 * 60;
export const SESSION_COOKIE_SECONDS_MAX = 14 * 24 * 3600;

/** A (custom-claims): as JSON. */
export const CUSTOM_CLAIMS_CHARS_MAX = 1000;

/** A (manage-users). */
export const UID_CHARS_MAX = 128;
export const PASSWORD_CHARS_MIN = 6;
export const BATCH_GET_MAX = 1000;
export const BATCH_DELETE_MAX = 1000;
export const BATCH_CREATE_MAX = 1000;
export const LOOKUP_MAX = 100;

/** R (accounts.query). */
export const QUERY_LIMIT_MAX = 500;

/** R (tenants.list, oauthIdpConfigs.list). */
export const CONFIG_PAGE_MAX = 1000;
export const CONFIG_PAGE_DEFAULT = 20;

/** L: codes sent by e-mail: an hour for passwords, three days to verify, six hours to sign in. */
const HOUR_MS = 3600 * 1000;
export const OOB_MS = {
  PASSWORD_RESET: HOUR_MS,
  VERIFY_EMAIL: 72 * HOUR_MS,
  VERIFY_AND_CHANGE_EMAIL: 72 * HOUR_MS,
  RECOVER_EMAIL: 72 * HOUR_MS,
  EMAIL_SIGNIN: 6 * HOUR_MS,
} as const;

/** L: a code that was sent to a telephone; the service tells no time, its kits wait for minutes. */
export const PHONE_SESSION_MS = 10 * 60 * 1000;

/** L: second factors of one person. */
export const MFA_ENROLLMENTS_MAX = 5;

/**
 * The service signs with 2048-bit keys:
 * googleapis.com/robot/v1/metadata/x509/securetoken@system.gserviceaccount.com.
 */
export const SIGNING_KEY_BITS = 2048;

/** Ours: how long verifiers may keep the certificates; the service says some hours. */
export const CERTIFICATES_SECONDS = 3600;

/** Ours: at this cost a check takes some seconds, and at each further one twice as long. */
export const BCRYPT_COST_MAX = 14;

/** Ours: no request of the service is larger than a batch of a thousand accounts. */
export const BODY_BYTES_MAX = 10 * 1024 * 1024;
