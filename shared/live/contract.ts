import { z } from "zod";
import { UserId } from "../identity/contract.ts";

/** How much a stream may hold for a slow reader before it is cut off; it resumes from its last id. */
export const BUFFER_BYTES_MAX = 1_000_000;
/** Of the past no more is written while a reader has not taken what is beyond this. */
export const ROOM_BYTES = 64 * 1024;

/**
 * How much of the past a stream tells: of one chat, and a person's of all their chats together. Whoever has
 * missed more is told so (`catchup.skipped`) and pages through `changes`, or reads the list of chats anew.
 */
export const CATCH_UP = {
  changesMax: 1_000,
  charsMax: 4_000_000,
  /** A person's stream: changes of one chat, and chats and signals. */
  changesOfChatMax: 200,
  chatsMax: 200,
} as const;
export const HEARTBEAT_MS = 15_000;
/**
 * A stream ends itself before the platform does, after an hour (functions/manifest.json), and the client
 * comes back with its last id. Each lasts for a time of its own, so that those of an instance do not come
 * back together.
 */
export const STREAM_MS_MIN = 45 * 60_000;
export const STREAM_MS_MAX = 55 * 60_000;
/** One that begins as the answer to a POST is a request of the API's, which may take a minute. */
export const INLINE_STREAM_MS_MAX = 50_000;

/** What a live stream tells. */
export interface LiveEvent {
  /** Where to resume; signals have none, as they are told as they are and not as they were. */
  readonly id?: number | string;
  readonly event:
    | "message.created"
    | "message.changed"
    | "chat.changed"
    | "chat.own"
    | "job.changed"
    | "catchup.skipped"
    | "read"
    | "typing"
    | "presence"
    | "answer.delta"
    | "answer.thinking"
    | "answer.reset"
    | "answer.done";
  readonly data: object;
}

/** Where a subscriber's events go. */
export interface Sink {
  /** Returns how many characters that took. */
  send(events: readonly LiveEvent[]): number;
  /** From where to resume if nothing more comes. */
  setLastId(id: number | string): void;
  /** No more will come: the subscriber may not read any longer, or the feed has failed. */
  end(): void;
  /** All has been told: there is nothing to come back for. */
  finish(): void;
  /** Whether anything that is sent can still arrive. */
  readonly isOpen: boolean;
  /** Counts operations against the reader's limit. @throws AppError `quota_exceeded` */
  pay(operations: number): Promise<void>;
  /** Resolves once at most so many bytes wait to be read, ROOM_BYTES by default, or nobody reads any more. */
  room(bytes?: number): Promise<void>;
}

export const ResumeQuery = z.strictObject({
  after: z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER).optional(),
  /** In place of the access token, which must not stand in an address. */
  ticket: z.string().max(2000).optional(),
});

export const PersonResumeQuery = z.strictObject({
  after: z.string().max(4000).optional(),
  ticket: z.string().max(2000).optional(),
});

export const PRESENCE_USERS_MAX = 100;
export const PresenceQuery = z.strictObject({
  /** Ids, with commas between them. */
  users: z
    .string()
    .max(10_000)
    .transform((list) => list.split(","))
    .pipe(z.array(UserId).min(1).max(PRESENCE_USERS_MAX))
    .transform((ids) => [...new Set(ids)]),
});
export type PresenceQuery = z.infer<typeof PresenceQuery>;

export const UserPresence = z.object({
  user: z.string(),
  online: z.boolean(),
  /** To within ten minutes for whoever is not online; null where it is not told. */
  lastSeenAt: z.string().nullable(),
});
export type UserPresence = z.infer<typeof UserPresence>;
