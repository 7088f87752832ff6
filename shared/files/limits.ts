/** How long a client has to begin an upload. */
export const UPLOAD_URL_MS = 15 * 60_000;
/** A file that has not arrived by then is given up; a session that goes on for longer is cleared away. */
export const UPLOAD_MS_MAX = 24 * 3600 * 1000;
/** A file that no message holds is kept for so long, for its owner to send it. */
export const UNSENT_MS = 24 * 3600 * 1000;
/** How soon after it was announced a file is looked for whose upload nobody has told of. */
export const UPLOAD_LOOK_MS = 5 * 60_000;
/** A check that is not over by then has died. */
export const CHECK_LEASE_MS = 150_000;
/** A file at which so many checks have died is refused. */
export const CHECKS_MAX = 5;
/** So long the same address of a file is given out, so that browsers find what they have loaded. */
export const DOWNLOAD_STEP_MS = 5 * 60_000;
/** An address is good for so many of its steps: ten minutes. */
export const DOWNLOAD_STEPS = 2;
/** A file that messages hold is looked at again after so long, for the app's retention. */
export const HELD_LOOK_MS = 7 * 24 * 3600 * 1000;
/** So soon after a check `tend-files` sees to what its end has not done. */
export const STALE_MS = 60_000;
/** Messages that hold one file, in all chats; forks are not counted. */
export const FILE_MESSAGES_MAX = 1_000;
