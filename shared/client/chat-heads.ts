import type { Chat, Message } from "../chat/contract.ts";
import { isOpenAnswer } from "./answers.ts";

/** What `chat.changed` tells of a chat: its settings as they are since a revision. */
export interface ChatSettings {
  readonly chat: number;
  readonly revision: number;
  readonly title: string;
  readonly titleBy: Chat["titleBy"];
  /** Null where the chat names none; absent from servers that did not tell it yet. */
  readonly model?: string | null | undefined;
  readonly instructions?: string | null | undefined;
  readonly temperature?: number | null | undefined;
  readonly tags: string[];
  readonly members: string[];
  readonly activeBranch: string;
  readonly branchesCount: number;
}

/** What `chat.own` tells: how the person has arranged a chat, on whichever device. */
export type OwnSettings = Pick<
  Chat,
  "archived" | "pinned" | "order" | "notify" | "markedUnread" | "mute" | "draft"
> & { readonly chat: number };

/**
 * The chats that are known, each put together from answers and events in whatever order they come: settings,
 * latest message and counts are those of the highest revision that told of them.
 */
export interface ChatHeads {
  get(chat: number): Chat | undefined;
  all(): readonly Chat[];
  /** The revision up to which the settings are known. */
  settledThrough(chat: number): number;
  take(chat: Chat): void;
  takeSettings(settings: ChatSettings): void;
  takeOwn(settings: OwnSettings): void;
  takeMessage(chat: number, message: Message): void;
  /** The person has read up to there, here or on another device. */
  takeRead(chat: number, number: number): void;
  forget(chat: number): void;
}

interface Known {
  readonly chat: Chat;
  readonly settingsRevision: number;
  readonly latestRevision: number;
  /** The person has read everything up to this number. */
  readonly readThrough: number;
  /** How many after it were unread to nobody when the chat was read; and those deleted since. */
  readonly silent: number;
  readonly deleted: ReadonlySet<number>;
}

/** As much of the latest message as the API's lists show. */
const LATEST_CHARS_MAX = 280;

export function createChatHeads(me: string, onChange: (chat: number) => void): ChatHeads {
  const heads = new Map<number, Known>();
  const put = (known: Known): void => {
    const { messagesCount } = known.chat;
    const silent = known.silent + known.deleted.size;
    const unreadCount = Math.max(0, messagesCount - known.readThrough - silent);
    heads.set(known.chat.number, { ...known, chat: { ...known.chat, unreadCount } });
    onChange(known.chat.number);
  };

  return {
    get: (chat) => heads.get(chat)?.chat,
    all: () => [...heads.values()].map(({ chat }) => chat),
    settledThrough: (chat) => heads.get(chat)?.settingsRevision ?? 0,
    take(chat) {
      const known = heads.get(chat.number);
      const { revision } = chat;
      const fresh: Known = {
        chat,
        settingsRevision: revision,
        latestRevision: revision,
        readThrough: chat.readThrough,
        silent: silentIn(chat),
        deleted: new Set(),
      };
      put(known === undefined ? fresh : merged(known, fresh));
    },
    takeSettings({ chat: number, revision, model, instructions, temperature, ...settings }) {
      const known = heads.get(number);
      if (known === undefined || revision <= known.settingsRevision) return;
      const chat = { ...known.chat, ...settings, revision: Math.max(revision, known.chat.revision) };
      const told = withTold(chat, { model, instructions, temperature });
      put({ ...known, chat: told, settingsRevision: revision });
    },
    takeOwn({ chat: number, ...own }) {
      const known = heads.get(number);
      if (known === undefined) return;
      const { order: _order, mute: _mute, draft: _draft, ...chat } = known.chat;
      put({ ...known, chat: { ...chat, ...own } });
    },
    takeMessage(number, message) {
      const known = heads.get(number);
      if (known !== undefined) put(withMessage(known, message, me));
    },
    takeRead(number, readThrough) {
      const known = heads.get(number);
      if (known === undefined) return;
      const chat = { ...known.chat, markedUnread: false };
      put(readThrough > known.readThrough ? readUpTo({ ...known, chat }, readThrough) : { ...known, chat });
    },
    forget(chat) {
      if (heads.delete(chat)) onChange(chat);
    },
  };
}

/** Null takes a setting back; one that is not told stays as it is known. */
function withTold(chat: Chat, told: Pick<ChatSettings, "model" | "instructions" | "temperature">): Chat {
  const next: Record<string, unknown> = { ...chat };
  for (const [name, value] of Object.entries(told)) {
    if (value === null) delete next[name];
    else if (value !== undefined) next[name] = value;
  }
  return next as Chat;
}

/** Where nothing is left after it, nothing silent is either; else they may lie on either side. */
const readUpTo = (known: Known, readThrough: number): Known => ({
  ...known,
  readThrough,
  silent: readThrough >= known.chat.messagesCount ? 0 : known.silent,
  deleted: new Set([...known.deleted].filter((number) => number > readThrough)),
});

const silentIn = ({ messagesCount, readThrough, unreadCount }: Chat): number =>
  Math.max(0, messagesCount - readThrough - unreadCount);

/** Two pieces of knowledge of one chat: of each part, what the higher revision says. */
function merged(known: Known, fresh: Known): Known {
  const { chat: next } = fresh;
  const { revision } = next;
  const isNewer = revision >= known.settingsRevision;
  const hasLatest = revision >= known.latestRevision;
  const { latest: _, ...base } = isNewer ? next : known.chat;
  const latest = (hasLatest ? next : known.chat).latest;
  const both: Known = {
    ...(hasLatest ? fresh : known),
    chat: {
      ...base,
      ...(latest === undefined ? {} : { latest }),
      revision: Math.max(revision, known.chat.revision),
      messagesCount: Math.max(next.messagesCount, known.chat.messagesCount),
      latestAt: next.latestAt > known.chat.latestAt ? next.latestAt : known.chat.latestAt,
      updatedAt: next.updatedAt > known.chat.updatedAt ? next.updatedAt : known.chat.updatedAt,
    },
    settingsRevision: Math.max(revision, known.settingsRevision),
    latestRevision: Math.max(revision, known.latestRevision),
  };
  const readThrough = Math.max(fresh.readThrough, known.readThrough);
  return readThrough > both.readThrough ? readUpTo(both, readThrough) : both;
}

function withMessage(known: Known, message: Message, me: string): Known {
  const { number, revision, sender, createdAt, status, hidden } = message;
  const { chat } = known;
  // An answer that is still being made says nothing yet.
  const isOpen = isOpenAnswer(message);
  const isNew = number > chat.messagesCount;
  const isLatest = !isOpen && number >= (chat.latest?.number ?? 0) && revision > known.latestRevision;
  const isMine = "id" in sender && sender.id === me;
  const isGone = status === "deleted" || hidden === true;
  const latest = {
    number,
    sender,
    text: isGone ? "" : message.text.slice(0, LATEST_CHARS_MAX),
    createdAt,
  };
  const isJustGone = isGone && revision > known.latestRevision && number > known.readThrough;
  const next: Known = {
    ...known,
    chat: {
      ...chat,
      ...(isLatest ? { latest } : {}),
      revision: Math.max(revision, chat.revision),
      messagesCount: Math.max(number, chat.messagesCount),
      ...(isNew ? { archived: false, latestAt: createdAt > chat.latestAt ? createdAt : chat.latestAt } : {}),
      updatedAt: createdAt > chat.updatedAt ? createdAt : chat.updatedAt,
    },
    latestRevision: isLatest ? revision : known.latestRevision,
    deleted: isJustGone ? new Set([...known.deleted, number]) : known.deleted,
  };
  return isMine && number > known.readThrough ? readUpTo(next, number) : next;
}
