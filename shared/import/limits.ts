/** A conversation in JSON, or a line: what is larger is left out, so that memory stays bounded. */
export const ELEMENT_BYTES_MAX = 16 * 1024 * 1024;
/** A row of a table; what is longer is most likely a quote that does not end. */
export const ROW_BYTES_MAX = 1024 * 1024;
/** Looked at to say how a file is written. */
export const SAMPLE_BYTES = 256 * 1024;
/** Files in an archive. */
export const ENTRIES_MAX = 200_000;
/** What an entry says that it unpacks to, and how many times what it is packed in: beyond, it is left out. */
export const ENTRY_BYTES_MAX = 4 * 1024 * 1024 * 1024;
export const PACKED_TIMES_MAX = 200;
/** Names beside what is read at once, such as those of people. */
export const NAMES_BYTES_MAX = 32 * 1024 * 1024;
/** Messages of one commit. */
export const COMMIT_MESSAGES = 400;
/** Characters of one commit, in about: Firestore takes 10 MiB, and a character up to three bytes. */
export const COMMIT_CHARS = 1_000_000;
/** Chats that are created in one commit. */
export const CREATE_CHATS = 50;
/** Rows of a report; what is beyond is counted and not named. */
export const REPORT_ROWS_MAX = 10_000;
/** What is taken at a time of what was found: some commits. */
export const TAKEN_MESSAGES = 10 * COMMIT_MESSAGES;
export const TAKEN_CHARS = 2 * COMMIT_CHARS;
/** A text of no more is parsed without a thread of its own. */
export const SMALL_BYTES_MAX = 256 * 1024;
/** Names in the first row of a table, together. */
export const COLUMNS_CHARS_MAX = 20_000;
