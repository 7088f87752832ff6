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
  readonly archived: boolean;
  readonly pinned: boolean;
  readonly activeBranch: string;
  readonly branchesCount: number;
}

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
  takeMessage(chat: number, message: Message): void;
  /** The person has read up to there, here or on another device. */
  takeRead(chat: number, number: number): void;
  forget(chat: number): void;
}

interface Known {
  readonly chat: Chat;
  readonly settingsRevision: number;
  readonly latestRevision: number;
  /** Everything up to this number is no longer unread. */
  readonly readThrough: number;
}

/** As much of the latest message as the API's lists show. */
const LATEST_CHARS_MAX = 280;

export function createChatHeads(me: string, onChange: (chat: number) => void): ChatHeads {
  const heads = new Map<number, Known>();
  const put = (known: Known): void => {
    const { messagesCount } = known.chat;
    const unreadCount = Math.max(0, messagesCount - known.readThrough);
    heads.set(known.chat.number, { ...known, chat: { ...known.chat, unreadCount } });
    onChange(known.chat.number);
  };

  return {
    get: (chat) => heads.get(chat)?.chat,
    all: () => [...heads.values()].map(({ chat }) => chat),
    settledThrough: (chat) => heads.get(chat)?.settingsRevision ?? 0,
    take(chat) {
      const known = heads.get(chat.number);
      const readThrough = chat.messagesCount - chat.unreadCount;
      if (known === undefined) {
        const { revision } = chat;
        return put({ chat, settingsRevision: revision, latestRevision: revision, readThrough });
      }
      put(merged(known, chat, Math.max(readThrough, known.readThrough)));
    },
    takeSettings({ chat: number, revision, model, instructions, temperature, ...settings }) {
      const known = heads.get(number);
      if (known === undefined || revision <= known.settingsRevision) return;
      const chat = { ...known.chat, ...settings, revision: Math.max(revision, known.chat.revision) };
      const told = withTold(chat, { model, instructions, temperature });
      put({ ...known, chat: told, settingsRevision: revision });
    },
    takeMessage(number, message) {
      const known = heads.get(number);
      if (known !== undefined) put(withMessage(known, message, me));
    },
    takeRead(number, readThrough) {
      const known = heads.get(number);
      if (known !== undefined && readThrough > known.readThrough) put({ ...known, readThrough });
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

function merged(known: Known, next: Chat, readThrough: number): Known {
  const { revision } = next;
  const isNewer = revision >= known.settingsRevision;
  const hasLatest = revision >= known.latestRevision;
  const { latest: _, ...base } = isNewer ? next : known.chat;
  const latest = (hasLatest ? next : known.chat).latest;
  return {
    chat: {
      ...base,
      ...(latest === undefined ? {} : { latest }),
      revision: Math.max(revision, known.chat.revision),
      messagesCount: Math.max(next.messagesCount, known.chat.messagesCount),
      updatedAt: next.updatedAt > known.chat.updatedAt ? next.updatedAt : known.chat.updatedAt,
    },
    settingsRevision: Math.max(revision, known.settingsRevision),
    latestRevision: Math.max(revision, known.latestRevision),
    readThrough,
  };
}

function withMessage(known: Known, message: Message, me: string): Known {
  const { number, revision, sender, createdAt, status } = message;
  const { chat } = known;
  // An answer that is still being made says nothing yet.
  const isOpen = isOpenAnswer(message);
  const isLatest = !isOpen && number >= (chat.latest?.number ?? 0) && revision > known.latestRevision;
  const isMine = "id" in sender && sender.id === me;
  const latest = {
    number,
    sender,
    text: status === "deleted" ? "" : message.text.slice(0, LATEST_CHARS_MAX),
    createdAt,
  };
  return {
    chat: {
      ...chat,
      ...(isLatest ? { latest } : {}),
      revision: Math.max(revision, chat.revision),
      messagesCount: Math.max(number, chat.messagesCount),
      updatedAt: createdAt > chat.updatedAt ? createdAt : chat.updatedAt,
    },
    settingsRevision: known.settingsRevision,
    latestRevision: isLatest ? revision : known.latestRevision,
    readThrough: isMine ? Math.max(number, known.readThrough) : known.readThrough,
  };
}
