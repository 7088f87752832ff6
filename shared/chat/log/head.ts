import { holds } from "../../identity/permissions.ts";
import type { Principal } from "../../identity/principal.ts";
import { AppError } from "../../platform/errors.ts";
import type { Timestamp } from "../../platform/firestore-values.ts";
import type { Author } from "./body.ts";
import type { Chat, Kind } from "../contract.ts";
import { type Faceted, facetsOf } from "./facets.ts";
import type { Copying } from "../branches/fork-chat.ts";

/**
 * The head of a chat: everything that authorises and numbers the next change. Every field is always
 * there (null where it has no value), since a commit writes them all.
 */
export interface ChatHead extends Faceted {
  readonly number: number;
  readonly kind: Kind;
  readonly title: string;
  /** Who gave the title: absent from chats of before models did. */
  readonly titleBy?: "person" | "model" | null;
  readonly model: string | null;
  /** What a model is told in this chat, besides what the app says. */
  readonly instructions?: string | null;
  readonly temperature?: number | null;
  readonly temporary: boolean;
  /** Moves by one with every lasting change. */
  readonly revision: number;
  /** The revision of the last change to the chat itself: title, tags, members, archived, pinned. */
  readonly settingsRevision: number;
  /** The time of that change. */
  readonly settingsAt: Timestamp;
  /**
   * The revision of the last change of members or tags: what was derived from those before is to be done
   * anew. Absent from chats that are older than this field and have not changed them since.
   */
  readonly facetsRevision?: number;
  /** The number of the newest message; numbers have no gaps, so also how many there are. */
  readonly lastNumber: number;
  readonly latest: LatestMessage | null;
  /** The number of the last message that each person sent: whoever writes has read what is above. */
  readonly sent: Readonly<Record<string, number>>;
  readonly activeBranch: string;
  /** The number of the active branch's last message; 0 while there is none. */
  readonly tip: number;
  /** How many branches there are; 1 for a chat that was never branched. */
  readonly branchesCount: number;
  /** Of a direct chat: who of the two has blocked the other. */
  readonly blockedBy?: readonly string[];
  /** Answers that are not finished, by the ids of their messages. */
  readonly answering?: readonly string[];
  readonly archived: boolean;
  readonly pinned: boolean;
  /** While it is a copy in the making, nobody sees it. */
  readonly status: "open" | "deleted" | "copying";
  readonly copying?: Copying;
  /** The former members of a deleted chat, until it has been purged. */
  readonly leavers?: readonly string[];
  readonly createdBy: string;
  readonly createdAt: Timestamp;
  readonly updatedAt: Timestamp;
}

export interface LatestMessage {
  readonly number: number;
  readonly sender: Author;
  readonly text: string;
  readonly createdAt: Timestamp;
}

export const MAIN_BRANCH = "main";

/**
 * Absent and forbidden look the same, so that a stranger learns nothing by asking.
 * @throws AppError `not_found` unless the chat is open and theirs
 */
export function access(head: ChatHead | undefined, principal: Principal): ChatHead {
  if (head === undefined || head.status !== "open") throw noSuchChat();
  if (head.members.includes(principal.id)) return head;
  if (!holds(principal, "chat:any")) throw noSuchChat();
  if (head.kind === "direct") principal.witness?.(head.number);
  return head;
}

/**
 * The same, to write in it: whoever the other of two has blocked finds no chat to write in, and is not told
 * why.
 * @throws AppError `not_found`
 */
export function accessToWrite(head: ChatHead | undefined, principal: Principal): ChatHead {
  const open = access(head, principal);
  const isBlocked =
    open.members.includes(principal.id) && (open.blockedBy ?? []).some((by) => by !== principal.id);
  if (isBlocked) throw noSuchChat();
  return open;
}

export const noSuchChat = (): AppError => new AppError("not_found", "There is no such chat.");

/** The head after one more lasting change at this time. Time never runs backwards within a chat. */
export function advance(head: ChatHead, at: Timestamp, change: Partial<ChatHead>): ChatHead {
  return {
    ...head,
    revision: head.revision + 1,
    updatedAt: at.valueOf() > head.updatedAt.valueOf() ? at : head.updatedAt,
    ...change,
  };
}

/** The same for a change to the chat itself. */
export function advanceSettings(head: ChatHead, at: Timestamp, change: Partial<ChatHead>): ChatHead {
  const { members = head.members, tags = head.tags } = change;
  const isSame = members === head.members && tags === head.tags;
  const facets = isSame ? {} : { ...facetsOf({ members, tags }), facetsRevision: head.revision + 1 };
  return advance(head, at, { ...change, ...facets, settingsRevision: head.revision + 1, settingsAt: at });
}

/** Messages after the last that the person has read or written. */
export const unreadCount = (head: ChatHead, personId: string, readUpTo: number): number =>
  Math.max(0, head.lastNumber - Math.max(readUpTo, head.sent[personId] ?? 0));

/** What a person has noted of a chat for themselves. */
export interface Mark {
  /** The last message they have read. */
  readonly read: number;
  /** Until when the person has muted the chat; null: until they unmute it. */
  readonly muted?: Timestamp | null | undefined;
}

/** Whose words a chat's title is; of chats from before that was noted, a person's. Pure. */
export const titleByOf = ({ title, titleBy }: Pick<ChatHead, "title" | "titleBy">): Chat["titleBy"] =>
  titleBy ?? (title === "" ? null : "person");

export function chatView(head: ChatHead, personId: string, { read, muted }: Mark): Chat {
  return {
    number: head.number,
    kind: head.kind,
    title: head.title,
    members: [...head.members],
    createdBy: head.createdBy,
    tags: [...head.tags],
    titleBy: titleByOf(head),
    ...(head.model === null ? {} : { model: head.model }),
    ...(head.instructions == null ? {} : { instructions: head.instructions }),
    ...(head.temperature == null ? {} : { temperature: head.temperature }),
    temporary: head.temporary,
    revision: head.revision,
    messagesCount: head.lastNumber,
    ...(head.latest === null
      ? {}
      : { latest: { ...head.latest, createdAt: head.latest.createdAt.toDate().toISOString() } }),
    unreadCount: unreadCount(head, personId, read),
    ...(muted === undefined ? {} : { mute: { until: muted?.toDate().toISOString() ?? null } }),
    activeBranch: head.activeBranch,
    branchesCount: head.branchesCount,
    archived: head.archived,
    pinned: head.pinned,
    createdAt: head.createdAt.toDate().toISOString(),
    updatedAt: head.updatedAt.toDate().toISOString(),
  };
}

/** The beginning of a text, never cut within a character. */
export function excerpt(text: string, charsMax: number): string {
  if (text.length <= charsMax) return text;
  const cut = text.slice(0, charsMax);
  return cut.isWellFormed() ? cut : cut.slice(0, -1);
}
