import type { Timestamp } from "../../platform/firestore-values.ts";
import type { Chat, NotificationLevel } from "../contract.ts";
import { type Silent, silentAfter } from "../log/silent.ts";

/**
 * What a person has noted of a chat for themselves. The notes on all their chats stand in one document, so
 * that a list of chats costs one more read (decision 4).
 */
export interface OwnState {
  /** The last message they have read. */
  readonly read: number;
  /** Until when they have muted the chat; null: until they unmute it. */
  readonly muted?: Timestamp | null | undefined;
  /** That they have archived it, and which messages it had then; false: that it is not. */
  readonly archived?: Archived | false | undefined;
  /** Where it stands among the chats that they have pinned, the lowest first; false: that it is not. */
  readonly pinned?: number | false | undefined;
  readonly level?: NotificationLevel | undefined;
  readonly markedUnread?: boolean | undefined;
  readonly draft?: Draft | undefined;
  /** What they have begun to write in its threads, by the message that each begins with. */
  readonly threadDrafts?: Readonly<Record<string, Draft>> | undefined;
}

export interface Archived {
  /** A message beyond this one brings the chat back. */
  readonly through: number;
  /** When that one came: archived chats are listed by it. */
  readonly at: Timestamp;
}

/** What somebody has begun to write; the beginning of it where that is long. */
export interface Draft {
  readonly text: string;
  readonly at: Timestamp;
  /** The rest stands in a document of its own. */
  readonly isCut?: true;
}

/** Notes on a chat; undefined takes one away. */
export type Notes = Partial<Omit<OwnState, "read">>;

/** The field of a person's document that holds the notes of a kind, by chat. */
export const NOTE_FIELDS = {
  muted: "muted",
  archived: "archived",
  pinned: "pinned",
  level: "levels",
  markedUnread: "markedUnread",
  draft: "drafts",
  threadDrafts: "threadDrafts",
} as const satisfies Record<keyof Notes, string>;

/** Of the head, what the notes are read against. */
interface Noted {
  readonly lastNumber: number;
  readonly silent?: Silent;
  readonly archived: boolean;
  readonly pinned: boolean;
}

export function isArchived(head: Noted, { archived }: OwnState): boolean {
  if (archived === undefined) return head.archived;
  if (archived === false) return false;
  // What is unread to nobody brings no chat back.
  const { through } = archived;
  return head.lastNumber - through <= silentAfter(head.silent, through);
}

export const isPinned = (head: Noted, { pinned }: OwnState): boolean =>
  pinned === undefined ? head.pinned : pinned !== false;

/** A chat as its reader has arranged it. */
export function ownView(head: Noted, own: OwnState): Pick<Chat, keyof Chat & OwnField> {
  const { muted, pinned, level = "all", markedUnread = false, draft } = own;
  return {
    archived: isArchived(head, own),
    pinned: isPinned(head, own),
    ...(typeof pinned === "number" ? { order: pinned } : {}),
    ...(muted === undefined ? {} : { mute: { until: muted?.toDate().toISOString() ?? null } }),
    notify: level,
    markedUnread,
    ...(draft === undefined ? {} : { draft: draftView(draft) }),
  };
}

export type DraftView = NonNullable<Chat["draft"]>;

export const draftView = ({ text, at, isCut }: Draft): DraftView => ({
  text,
  updatedAt: at.toDate().toISOString(),
  ...(isCut ? { cut: true as const } : {}),
});

type OwnField = "archived" | "pinned" | "order" | "mute" | "notify" | "markedUnread" | "draft";
