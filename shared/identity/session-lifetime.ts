/** A session that is not used for this long ends. */
export const SESSION_TTL_MS = 60 * 24 * 3600 * 1000;
/**
 * For this long after a rotation the token before gets the same successor: two tabs that
 * refresh at once, or a client that lost the reply, are honest. Later it is a theft.
 */
export const REFRESH_RACE_MS = 10_000;
