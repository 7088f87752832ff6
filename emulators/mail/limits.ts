/** Ours: the mailbox is for looking at, so only the newest mails are kept. */
export const MAILS_KEPT_MAX = 1000;

/** Gmail accepts messages up to 25 MB: support.google.com/mail/answer/6584. */
export const MAIL_BYTES_MAX = 25 * 1000 * 1000;

/** Mails that one listing returns unless told otherwise. Ours. */
export const LIST_DEFAULT = 50;
