/** Google's identity tokens live an hour: cloud.google.com/docs/authentication/token-types#id-lifetime. */
export const TOKEN_LIFETIME_SECONDS = 3600;

/** A token is presented again this long: Google's services reuse one too, and signing costs a millisecond. */
export const TOKEN_FRESH_MS = 5 * 60 * 1000;

/** Tokens kept for reuse. Ours: more audiences than that mean that none is used often. */
export const TOKENS_KEPT_MAX = 1000;

/** Google signs with 2048-bit keys: googleapis.com/oauth2/v3/certs. */
export const SIGNING_KEY_BITS = 2048;
