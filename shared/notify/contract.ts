import { z } from "zod";
import { Time } from "../platform/contract.ts";

export const PAGE_LIMIT_MAX = 100;
export const PAGE_LIMIT_DEFAULT = 50;
/** How much of a message a notification and a push show: with its escapes far below FCM's 4 KB. */
export const EXCERPT_CHARS_MAX = 200;
/** FCM's tokens have about 160 characters and no stated limit. */
const TOKEN_CHARS_MAX = 4096;

export const Notification = z.object({
  /** Chat and number of the message: `12.345`. */
  id: z.string(),
  /** A reply is one to a message of the person's own, a mention names them, an answer is a model's. */
  kind: z.enum(["message", "reply", "mention", "answer"]),
  chat: z.number(),
  message: z.number(),
  sender: z.union([z.object({ id: z.string() }), z.object({ model: z.string() })]),
  excerpt: z.string(),
  createdAt: z.string(),
  read: z.boolean(),
});
export type Notification = z.infer<typeof Notification>;

export const NotificationQuery = z
  .strictObject({
    /** Only of messages after this time. */
    since: Time.transform((text) => Date.parse(text)),
    cursor: z.string().max(2000),
    limit: z.coerce.number().int().min(1).max(PAGE_LIMIT_MAX).default(PAGE_LIMIT_DEFAULT),
  })
  .partial({ since: true, cursor: true });
export type NotificationQuery = z.infer<typeof NotificationQuery>;

/** A notification's id, or the time of its message: it and all of earlier messages have been seen. */
export const NotificationsRead = z.strictObject({
  through: z.union([z.string().regex(/^[1-9]\d{0,14}\.[1-9]\d{0,14}$/), Time], {
    error: "must be a notification's id or a time",
  }),
});
export type NotificationsRead = z.infer<typeof NotificationsRead>;

export const PLATFORMS = ["android", "ios", "web"] as const;
export const DeviceId = z.string().regex(/^(?!__.*__$)[A-Za-z0-9_-]{1,64}$/);
export const NewDevice = z.strictObject({
  pushToken: z
    .string()
    .max(TOKEN_CHARS_MAX)
    .regex(/^[\x21-\x7e]+$/, "must be a registration token of Firebase Cloud Messaging"),
  platform: z.enum(PLATFORMS).optional(),
});
export type NewDevice = z.infer<typeof NewDevice>;

/** Until when nothing of a chat is pushed or mailed; null: until that is taken back. */
export const Mute = z.strictObject({ until: Time.nullable() });
export type Mute = z.infer<typeof Mute>;

const AppId = z.string();
const Positive = z.number().int().min(1);

/** The task `notify-members`: tells what a chat says up to this message. */
export const NotifyMembers = z.object({
  app: AppId,
  chat: Positive,
  number: Positive,
  /** Looks again at those who were online when it was written. */
  again: z.boolean().default(false),
  /** Takes back what has been pushed of it: it was deleted. */
  withdrawn: z.boolean().default(false),
  /** Counts anew what is unread to each: messages were deleted, withheld or shown again. */
  recounts: z.boolean().default(false),
});
export type NotifyMembers = z.infer<typeof NotifyMembers>;

/** The task `send-mail` about a direct message that has not been read. */
export const UnreadMail = z.object({
  app: AppId,
  chat: Positive,
  person: z.string(),
  number: Positive,
  /** When it was written, in milliseconds since the epoch. */
  writtenMs: z.number(),
});
export type UnreadMail = z.infer<typeof UnreadMail>;
