import { holds } from "../../identity/permissions.ts";
import type { Principal } from "../../identity/principal.ts";
import { AppError } from "../../platform/errors.ts";
import type { Timestamp } from "../../platform/firestore-values.ts";
import { metadataView } from "../../platform/metadata.ts";
import { type NameKeys, nameKeysOf } from "../../words/name-keys.ts";
import type { Author } from "./body.ts";
import type { Chat, GroupRules, Kind } from "../contract.ts";
import { latestAtOf, later, type Times, timesAfter } from "./crowd-times.ts";
import { type Faceted, facetsOf, latecomersWith } from "./facets.ts";
import { type OwnState, ownView } from "../own/own-state.ts";
import { adminsOf, rulesOf } from "./group-rules.ts";
import { mentionsAfter } from "./mentions.ts";
import { isVisible, type Sight } from "./sight.ts";
import { type Silent, silentAfter } from "./silent.ts";
import type { Copying } from "../branches/fork-chat.ts";

/**
 * The head of a chat: everything that authorises and numbers the next change. Every field is always
 * there (null where it has no value), since a commit writes them all.
 */
export interface ChatHead extends Faceted, Times {
  readonly number: number;
  readonly kind: Kind;
  readonly title: string;
  /** What the title is found by; absent from chats that are older than this field. */
  readonly nameKeys?: NameKeys;
  /** Who gave the title: absent from chats of before models did. */
  readonly titleBy?: "person" | "model" | null;
  readonly model: string | null;
  /** What a model is told in this chat, besides what the app says. */
  readonly instructions?: string | null;
  readonly temperature?: number | null;
  readonly temporary: boolean;
  /** Moves by one with every lasting change. */
  readonly revision: number;
  /** The revision of the last change to the chat itself: title, tags, members, metadata. */
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
  /** Members who find what was said before they joined by chat. Absent where there has been nobody. */
  readonly latecomers?: readonly string[];
  /** How many messages there were when a person joined: those were never unread to them. */
  readonly joined?: Readonly<Record<string, number>>;
  /** What whoever joined later sees of the past; who is not named here sees all of it. */
  readonly sees?: Readonly<Record<string, Sight>>;
  /** Messages that are unread to nobody. */
  readonly silent?: Silent;
  /** The last messages that mention a member; and the last that mention all. */
  readonly mentioned?: Readonly<Record<string, readonly number[]>>;
  readonly mentionedAll?: readonly number[];
  /** Of a group: who administers it. Absent from older ones: whoever created it. */
  readonly admins?: readonly string[];
  readonly rules?: Partial<GroupRules>;
  readonly pinnedMessages?: readonly number[];
  readonly activeBranch: string;
  /** The number of the active branch's last message; 0 while there is none. */
  readonly tip: number;
  /** How many branches there are; 1 for a chat that was never branched. */
  readonly branchesCount: number;
  /** Of a direct chat: who of the two has blocked the other. */
  readonly blockedBy?: readonly string[];
  /** Answers that are not finished, by the ids of their messages. */
  readonly answering?: readonly string[];
  /** Of chats from before archiving and pinning were each person's own, until they have been migrated. */
  readonly archived: boolean;
  readonly pinned: boolean;
  /** While it is a copy in the making, nobody sees it. */
  readonly status: "open" | "deleted" | "copying";
  readonly copying?: Copying;
  /** The former members of a deleted chat, until it has been purged. */
  readonly leavers?: readonly string[];
  readonly createdBy: string;
  readonly createdAt: Timestamp;
  /** When anything changed last; absent from chats that have not changed since this field came. */
  readonly movedAt?: Timestamp;
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

/**
 * The head after one more lasting change at this time. Time never runs backwards within a chat. A change that
 * brings a message moves the chat in the lists; no other does.
 */
export function advance(head: ChatHead, at: Timestamp, change: Partial<ChatHead>): ChatHead {
  const brings = (change.lastNumber ?? head.lastNumber) > head.lastNumber;
  const { isCrowd = head.isCrowd } = change;
  return {
    ...head,
    revision: head.revision + 1,
    ...timesAfter(head, at, { isCrowd, brings }),
    movedAt: later(head.movedAt ?? head.updatedAt, at),
    ...change,
  };
}

/** The same for a change to the chat itself. */
export function advanceSettings(head: ChatHead, at: Timestamp, change: Partial<ChatHead>): ChatHead {
  const { members = head.members, tags = head.tags, metadata = head.metadata } = change;
  const isSame = members === head.members && tags === head.tags;
  const joining = tags === head.tags ? latecomersWith(head, members) : undefined;
  const latecomers = joining ?? (head.latecomers ?? []).filter((member) => members.includes(member));
  const facets = {
    ...(isSame && metadata === head.metadata
      ? {}
      : facetsOf({ members, tags, ...(metadata && { metadata }) })),
    // Nothing else is derived from metadata.
    ...(isSame || joining !== undefined ? {} : { facetsRevision: head.revision + 1 }),
    ...(latecomers.length === (head.latecomers ?? []).length ? {} : { latecomers }),
  };
  const { title = head.title } = change;
  const keys = title === head.title ? {} : { nameKeys: head.temporary ? {} : nameKeysOf(title) };
  return advance(head, at, {
    ...change,
    ...facets,
    ...keys,
    settingsRevision: head.revision + 1,
    settingsAt: at,
  });
}

/**
 * Messages that the person could read and has not: those after the last that they have read or written and
 * after they joined, without those that are unread to nobody. No read: everything stands in the head.
 */
export function unreadCount(head: ChatHead, personId: string, readUpTo: number): number {
  return standingBetween(head, readThrough(head, personId, readUpTo), head.lastNumber);
}

/** How many messages after one and up to another are unread to whoever has not read them. */
export const standingBetween = (
  { silent }: Pick<ChatHead, "silent">,
  after: number,
  through: number,
): number => Math.max(0, through - after - (silentAfter(silent, after) - silentAfter(silent, through)));

/** The last message that counts as read by the person. */
export const readThrough = (head: ChatHead, personId: string, readUpTo: number): number =>
  Math.max(readUpTo, head.sent[personId] ?? 0, head.joined?.[personId] ?? 0);

/** Whether a message after one, which stands, mentions the person. */
export const isMentionedAfter = (head: ChatHead, personId: string, after: number): boolean =>
  mentionsAfter(head, personId, after).some((number) => standingBetween(head, number - 1, number) > 0);

/** Whose words a chat's title is; of chats from before that was noted, a person's. Pure. */
export const titleByOf = ({ title, titleBy }: Pick<ChatHead, "title" | "titleBy">): Chat["titleBy"] =>
  titleBy ?? (title === "" ? null : "person");

export function chatView(head: ChatHead, personId: string, own: OwnState): Chat {
  const { latest } = head;
  return {
    number: head.number,
    kind: head.kind,
    title: head.title,
    members: [...head.members],
    createdBy: head.createdBy,
    tags: [...head.tags],
    ...(head.kind === "group" ? { admins: [...adminsOf(head)], rules: rulesOf(head) } : {}),
    pinnedMessages: [...(head.pinnedMessages ?? [])],
    titleBy: titleByOf(head),
    ...(head.model === null ? {} : { model: head.model }),
    ...(head.instructions == null ? {} : { instructions: head.instructions }),
    ...(head.temperature == null ? {} : { temperature: head.temperature }),
    temporary: head.temporary,
    ...metadataView(head.metadata),
    revision: head.revision,
    messagesCount: head.lastNumber,
    ...(latest === null || !isVisible(head, personId, latest)
      ? {}
      : { latest: { ...latest, createdAt: latest.createdAt.toDate().toISOString() } }),
    unreadCount: unreadCount(head, personId, own.read),
    readThrough: readThrough(head, personId, own.read),
    mentioned: isMentionedAfter(head, personId, readThrough(head, personId, own.read)),
    ...ownView(head, own),
    activeBranch: head.activeBranch,
    branchesCount: head.branchesCount,
    createdAt: head.createdAt.toDate().toISOString(),
    latestAt: latestAtOf(head).toDate().toISOString(),
    updatedAt: (head.movedAt ?? head.updatedAt).toDate().toISOString(),
  };
}

/** The beginning of a text, never cut within a character. */
export function excerpt(text: string, charsMax: number): string {
  if (text.length <= charsMax) return text;
  const cut = text.slice(0, charsMax);
  return cut.isWellFormed() ? cut : cut.slice(0, -1);
}
