import type { Chat, GroupRules, Message } from "../chat/contract.ts";
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
  /** Of a group; absent, as what follows, from servers that did not tell it yet. */
  readonly admins?: string[];
  readonly rules?: GroupRules;
  readonly pinnedMessages?: number[];
  readonly activeBranch: string;
  readonly branchesCount: number;
}

/** What `chat.own` tells: how the person has arranged a chat, on whichever device. */
export type OwnSettings = Pick<
  Chat,
  "archived" | "pinned" | "order" | "notify" | "markedUnread" | "mute" | "draft"
> & {
  readonly chat: number;
  /** What was begun in one of its threads, where that is what is new. */
  readonly threadDraft?: unknown;
};

/**
 * The chats that are known, each put together from answers and events in whatever order they come: settings,
 * latest message and counts are those of the highest revision that told of them.
 */
export interface ChatHeads {
  get(chat: number): Chat | undefined;
  all(): readonly Chat[];
  /** The revision up to which the settings are known. */
  settledThrough(chat: number): number;
  /** Now, for `take`: what is asked for from here on is later than everything told before. */
  moment(): number;
  /**
   * Takes in what an answer says. What is one's own has no revision: an answer that was asked for before the
   * last word on it (`asOf`, the moment of asking) has no say in that.
   */
  take(chat: Chat, asOf?: number): void;
  takeSettings(settings: ChatSettings): void;
  takeOwn(settings: OwnSettings): void;
  takeMessage(chat: number, message: Message): void;
  /** The person has read up to there, here or on another device; beyond where they were, the mark goes. */
  takeRead(chat: number, number: number): void;
  forget(chat: number): void;
}

interface Known {
  readonly chat: Chat;
  readonly settingsRevision: number;
  readonly latestRevision: number;
  /** When what is one's own was told last. */
  readonly ownMoment: number;
  /** The person has read everything up to this number. */
  readonly readThrough: number;
  /** How many after it were unread to nobody as of this revision. */
  readonly silent: number;
  readonly silentRevision: number;
  /** The last message that may mention the person; 0 for none. */
  readonly mentionedIn: number;
  /** Messages that are unread to nobody since, and the revisions at which they became so. */
  readonly gone: ReadonlyMap<number, number>;
}

/** As much of the latest message as the API's lists show. */
const LATEST_CHARS_MAX = 280;

export function createChatHeads(me: string, onChange: (chat: number) => void): ChatHeads {
  const heads = new Map<number, Known>();
  let moment = 0;
  const put = (known: Known): void => {
    const { messagesCount } = known.chat;
    const silent = known.silent + known.gone.size;
    const unreadCount = Math.max(0, messagesCount - known.readThrough - silent);
    const mentioned = known.mentionedIn > known.readThrough && !known.gone.has(known.mentionedIn);
    heads.set(known.chat.number, { ...known, chat: { ...known.chat, unreadCount, mentioned } });
    onChange(known.chat.number);
  };

  return {
    get: (chat) => heads.get(chat)?.chat,
    all: () => [...heads.values()].map(({ chat }) => chat),
    settledThrough: (chat) => heads.get(chat)?.settingsRevision ?? 0,
    moment: () => moment,
    take(chat, asOf = moment) {
      const known = heads.get(chat.number);
      const { revision } = chat;
      const fresh: Known = {
        chat,
        settingsRevision: revision,
        latestRevision: revision,
        ownMoment: asOf,
        readThrough: chat.readThrough,
        silent: silentIn(chat),
        silentRevision: revision,
        mentionedIn: chat.mentioned ? chat.messagesCount : 0,
        gone: new Map(),
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
    takeOwn({ chat: number, threadDraft: _, ...own }) {
      const known = heads.get(number);
      if (known === undefined) return;
      moment += 1;
      put({ ...known, chat: withOwn(known.chat, own), ownMoment: moment });
    },
    takeMessage(number, message) {
      const known = heads.get(number);
      if (known !== undefined) put(withMessage(known, message, me));
    },
    takeRead(number, readThrough) {
      const known = heads.get(number);
      // A mark of what has been delivered tells again how far one had read.
      if (known === undefined || readThrough <= known.readThrough) return;
      put(readUpTo({ ...known, chat: { ...known.chat, markedUnread: false } }, readThrough));
    },
    forget(chat) {
      if (heads.delete(chat)) onChange(chat);
    },
  };
}

/** What is the person's own of a chat. */
export type Own = Omit<OwnSettings, "chat" | "threadDraft">;

const withOwn = ({ order: _order, mute: _mute, draft: _draft, ...chat }: Chat, own: Own): Chat => ({
  ...chat,
  ...own,
});

export const ownOf = ({ archived, pinned, order, notify, markedUnread, mute, draft }: Own): Own => ({
  archived,
  pinned,
  notify,
  markedUnread,
  ...(order === undefined ? {} : { order }),
  ...(mute === undefined ? {} : { mute }),
  ...(draft === undefined ? {} : { draft }),
});

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
  chat: { ...known.chat, readThrough },
  silent: readThrough >= known.chat.messagesCount ? 0 : known.silent,
  gone: new Map([...known.gone].filter(([number]) => number > readThrough)),
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
  const own = mergedOwn(known, fresh);
  const both: Known = {
    ...(hasLatest ? fresh : known),
    chat: {
      ...withOwn(base, own),
      ...(latest === undefined ? {} : { latest }),
      revision: Math.max(revision, known.chat.revision),
      messagesCount: Math.max(next.messagesCount, known.chat.messagesCount),
      latestAt: next.latestAt > known.chat.latestAt ? next.latestAt : known.chat.latestAt,
      updatedAt: next.updatedAt > known.chat.updatedAt ? next.updatedAt : known.chat.updatedAt,
    },
    settingsRevision: Math.max(revision, known.settingsRevision),
    latestRevision: Math.max(revision, known.latestRevision),
    ownMoment: Math.max(fresh.ownMoment, known.ownMoment),
  };
  const readThrough = Math.max(fresh.readThrough, known.readThrough);
  return readThrough > both.readThrough ? readUpTo(both, readThrough) : both;
}

/** What was told last; but a message that only one of the two knows of brings the chat back. */
function mergedOwn(known: Known, fresh: Known): Own {
  const [later, earlier] = fresh.ownMoment >= known.ownMoment ? [fresh, known] : [known, fresh];
  const knowsAll = later.chat.messagesCount >= earlier.chat.messagesCount || earlier.chat.archived;
  return { ...ownOf(later.chat), archived: later.chat.archived && knowsAll };
}

function withMessage(known: Known, message: Message, me: string): Known {
  const { number, revision, sender, createdAt, status, hidden, event, mentions = [] } = message;
  const { chat } = known;
  // An answer that is still being made says nothing yet.
  const isOpen = isOpenAnswer(message);
  // What happens to a group is unread to nobody, moves nothing, and is no latest message.
  const isEvent = event !== undefined;
  const isNew = number > chat.messagesCount && !isEvent;
  const isLatest =
    !isOpen && !isEvent && number >= (chat.latest?.number ?? 0) && revision > known.latestRevision;
  const isMine = !isEvent && "id" in sender && sender.id === me;
  const isGone = status === "deleted" || hidden === true;
  const names = !isMine && mentions.some(({ user }) => user === me || user === "all");
  const latest = {
    number,
    sender,
    text: isGone ? "" : message.text.slice(0, LATEST_CHARS_MAX),
    createdAt,
  };
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
    mentionedIn: names ? Math.max(number, known.mentionedIn) : known.mentionedIn,
    gone: goneWith(known, message, isGone || isEvent),
  };
  return isMine && number > known.readThrough ? readUpTo(next, number) : next;
}

/** A message that is withheld may be shown again. */
function goneWith(known: Known, { number, revision }: Message, isGone: boolean): Known["gone"] {
  const { gone, silentRevision, readThrough } = known;
  if (number <= readThrough || revision <= Math.max(silentRevision, gone.get(number) ?? 0)) return gone;
  if (!isGone && !gone.has(number)) return gone;
  const others = [...gone].filter(([other]) => other !== number);
  return new Map(isGone ? [...others, [number, revision]] : others);
}
