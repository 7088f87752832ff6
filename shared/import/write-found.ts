import { chatHandle } from "../chat/chat-handle.ts";
import { MEMBERS_MAX, type NewChat } from "../chat/contract.ts";
import {
  appendHistory,
  createBroughtChats,
  type Known,
  knownOfNew,
  nothingKnown,
} from "../chat/log/append-history.ts";
import type { ChatDeps } from "../chat/log/chat-log.ts";
import type { HistoryMessage } from "../chat/log/place-history.ts";
import type { App } from "../identity/app.ts";
import type { Principal } from "../identity/principal.ts";
import { eachConcurrently } from "../platform/each-concurrently.ts";
import { AppError } from "../platform/errors.ts";
import type { DocumentReference } from "../platform/firestore.ts";
import { Timestamp } from "../platform/firestore-values.ts";
import { derivedId, fingerprint } from "../platform/ids.ts";
import type { FoundAuthor, FoundChat, Left } from "./found.ts";
import { historyOf, titleOf } from "./history-of.ts";
import { COMMIT_CHARS, COMMIT_MESSAGES, CREATE_CHATS } from "./limits.ts";
import type { People } from "./people.ts";

/** What has come of what was found. */
export interface Written {
  readonly chats: number;
  readonly messages: number;
  /** Messages that had been brought before. */
  readonly existing: number;
  readonly left: readonly Left[];
}

export interface FoundWriter {
  /** Brings what was found, as far as it is not here yet. @throws AppError `unavailable`: call it again */
  write(chats: readonly FoundChat[]): Promise<Written>;
}

interface Importing {
  readonly app: App;
  readonly by: Principal;
  readonly people: People;
  /** Names the step that brings it. */
  readonly broughtBy: string;
}

/** What is known of a chat that more may come for. */
interface Begun {
  readonly number: number;
  readonly record: DocumentReference;
  readonly members: readonly string[];
  readonly print: string | undefined;
  readonly known: Known;
}

/** Chats that are filled at once. */
const AT_ONCE = 8;
/** Chats that are remembered while a file is gone through. */
const BEGUN_MAX = 200;

/**
 * Brings chats from elsewhere to an app. The same conversation is the same chat however often it is found,
 * and a message that is there is left alone. 1 read for each chat, 2 writes for each new one and 1 for each
 * message, and what `appendHistory` costs.
 */
export function openFoundWriter(deps: ChatDeps, importing: Importing): FoundWriter {
  const { app, by, people, broughtBy } = importing;
  const begun = new Map<string, Begun>();

  /** Creates what is new among them; returns how many are. */
  const begin = async (chats: readonly FoundChat[]): Promise<number> => {
    const brought = chats.map((chat) => ({ chat, ...broughtOf(importing, chat, deps.clock.now()) }));
    const found = await createBroughtChats(deps, app, by, { chats: brought, broughtBy });
    let count = 0;
    for (const { chat, record, members } of brought) {
      const stored = found.get(record.path);
      if (stored === undefined) continue;
      if (stored.broughtBy === broughtBy) count += 1;
      const known = stored.isNew ? knownOfNew() : nothingKnown();
      // What an attempt at this very step has noted is counted anew.
      const print = stored.printBy === broughtBy ? undefined : stored.print;
      begun.set(chat.source, { number: stored.chat, record, members, print, known });
    }
    return count;
  };

  const fill = async (chat: FoundChat): Promise<Omit<Written, "chats">> => {
    const of = begun.get(chat.source);
    if (of === undefined) throw new Error("A chat is begun before it is filled.");
    const { messages, tip } = historyOf({ app: app.id, by, people }, chat, deps.clock.now());
    const print = chat.isWhole ? printOf(messages) : undefined;
    const left = filesLeft(chat);
    if (print !== undefined && print === of.print) return { messages: 0, existing: messages.length, left };
    let count = 0;
    const slices = slicesOf(messages);
    for (const [index, slice] of slices.entries()) {
      const isLast = index === slices.length - 1;
      const { members, known, record } = of;
      const notes = {
        members,
        known,
        record,
        broughtBy,
        ...(isLast && print !== undefined ? { print } : {}),
      };
      count += await appendHistory(deps, chatHandle(app, of.number), { messages: slice, tip, ...notes });
    }
    return { messages: count, existing: messages.length - count, left };
  };

  return {
    async write(found) {
      const chats = gathered(found);
      await people.learn(chats.flatMap(authorsOf));
      let created = 0;
      const unknownChats = chats.filter(({ source }) => !begun.has(source));
      for (let at = 0; at < unknownChats.length; at += CREATE_CHATS) {
        created += await begin(unknownChats.slice(at, at + CREATE_CHATS));
      }
      const filled: Omit<Written, "chats">[] = [];
      await eachConcurrently(AT_ONCE, chats, async (chat) => {
        filled.push(await fill(chat).catch((cause: unknown) => leftOf(chat, cause)));
      });
      for (const source of begun.keys()) {
        if (begun.size <= BEGUN_MAX) break;
        begun.delete(source);
      }
      return {
        chats: created,
        messages: filled.reduce((sum, { messages }) => sum + messages, 0),
        existing: filled.reduce((sum, { existing }) => sum + existing, 0),
        left: filled.flatMap(({ left }) => left),
      };
    },
  };
}

/** Files of messages, of which only the names are known. */
export const filesLeft = ({ title, messages }: FoundChat): readonly Left[] =>
  messages.flatMap(({ files = [] }) =>
    files.map(({ name }): Left => ({ where: title, what: "file", why: `${name} is not brought` })),
  );

/** Rows of one chat together, in their order. */
function gathered(found: readonly FoundChat[]): readonly FoundChat[] {
  const chats = new Map<string, FoundChat>();
  for (const chat of found) {
    const before = chats.get(chat.source);
    if (before === undefined) chats.set(chat.source, { ...chat, messages: [...chat.messages] });
    // The list is its own: it was made here.
    else (before.messages as FoundChat["messages"][number][]).push(...chat.messages);
  }
  return [...chats.values()];
}

const authorsOf = ({ messages, people = [] }: FoundChat): FoundAuthor[] => [
  ...messages.map(({ author }) => author),
  ...people,
];

function broughtOf({ app, by, people }: Importing, chat: FoundChat, nowMs: number) {
  const others =
    chat.kind === "group" ? authorsOf(chat).flatMap((author) => people.userOf(author) ?? []) : [];
  const own = by.kind === "person" ? [by.id] : [];
  const members = [...new Set([...own, ...others.filter((user) => user !== by.id)])].slice(0, MEMBERS_MAX);
  const draft: NewChat = { ...chat.settings, kind: chat.kind, title: titleOf(chat) };
  const createdAt = Timestamp.fromMillis(Math.min(chat.createdMs ?? nowMs, nowMs));
  const record = app.collection("imported").doc(derivedId("brought-chat", app.id, by.id, chat.source));
  return { record, draft, members, createdAt };
}

/** Of all that a whole conversation says: what was not changed since needs no second look. */
const printOf = (messages: readonly HistoryMessage[]): string =>
  fingerprint(...messages.flatMap(({ id, body }) => [id, String(body.text.length)]));

function slicesOf(messages: readonly HistoryMessage[]): readonly (readonly HistoryMessage[])[] {
  const slices: HistoryMessage[][] = [];
  let chars = 0;
  for (const message of messages) {
    const { text, thinking } = message.body;
    const more = text.length + (thinking?.text.length ?? 0);
    const last = slices.at(-1);
    if (last === undefined || last.length >= COMMIT_MESSAGES || chars + more > COMMIT_CHARS) {
      slices.push([message]);
      chars = more;
    } else {
      last.push(message);
      chars += more;
    }
  }
  return slices;
}

/** A chat that its person has deleted here does not come back. @throws what may pass */
function leftOf({ title, messages }: FoundChat, cause: unknown): Omit<Written, "chats"> {
  if (!(cause instanceof AppError) || cause.code !== "not_found") throw cause;
  const left: Left = { where: title, what: "chat", why: `it was deleted here; ${messages.length} messages` };
  return { messages: 0, existing: 0, left: [left] };
}
