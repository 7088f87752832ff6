import { chatHandle } from "../chat/chat-handle.ts";
import { demandStored } from "../platform/stored.ts";
import type { ChatDeps } from "../chat/log/chat-log.ts";
import { type ChatHead, excerpt, readThrough } from "../chat/log/head.ts";
import { isVisible } from "../chat/log/sight.ts";
import { messageView, type StoredMessage } from "../chat/log/message.ts";
import { listNumbered } from "../chat/blocks/read-blocks.ts";
import type { Row } from "../chat/branches/read-path.ts";
import { headOf, readsRef } from "../chat/store.ts";
import type { App } from "../identity/app.ts";
import type { Principal } from "../identity/principal.ts";
import { decodeCursor, encodeCursor } from "../platform/cursor.ts";
import type { DocumentSnapshot } from "../platform/firestore.ts";
import { Timestamp } from "../platform/firestore-values.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";
import { EXCERPT_CHARS_MAX, type Notification, type NotificationQuery } from "./contract.ts";
import { notificationsOf, readAll, readingOf, type StoredNotification, storedNotification } from "./store.ts";

/** Documents read in one query; nearly always each tells of one message or a few. */
const DOCUMENTS_MAX = 50;
/** After so many times a page goes out with what has been found, and says how to go on. */
const ROUNDS_MAX = 3;
/** After so many messages read, too: many of what was missed may have been deleted since. */
export const MESSAGES_READ_MAX = 300;

interface NotificationPage {
  readonly data: readonly Notification[];
  readonly hasMore: boolean;
  readonly next: string | null;
  readonly prev: null;
}

/** A notification and where it stands in the list. */
interface Placed {
  readonly view: Notification;
  readonly position: Position;
}

interface Position {
  readonly atMs: number;
  readonly document: string;
  /** Messages of the document below this number are still to come. */
  readonly number: number;
}

/**
 * What a person was told of while away, the latest first: one for each message. Messages are shown as they
 * are now; those deleted, of chats that are no more and of chats that the person has left are not. Costs 1
 * query, 1 read for each document, chat and message, and 1 for the person's marks; at most ROUNDS_MAX queries
 * and MESSAGES_READ_MAX messages, then a page may be short and says how to go on.
 * @throws AppError `invalid_request` for a cursor of another list
 */
export async function listNotifications(
  deps: ChatDeps,
  app: App,
  principal: Principal,
  { since, cursor, limit }: NotificationQuery,
): Promise<NotificationPage> {
  const scope = ["notifications", app.id, principal.id, String(since ?? "")];
  let from = cursor === undefined ? undefined : positionOf(decodeCursor(deps.keys, scope, cursor));
  const placed: Placed[] = [];
  let isCut = false;
  let messagesRead = 0;
  for (let rounds = 1; ; rounds += 1) {
    const wanted = limit + 1 - placed.length;
    const size = Math.min(DOCUMENTS_MAX, wanted);
    const found = await readDocuments(app, principal, since, { from, limit: size });
    const range = { since, from, limit: Math.min(wanted, MESSAGES_READ_MAX - messagesRead) };
    const expanded = await expand(deps, app, principal, { documents: found, range });
    placed.push(...expanded.placed);
    messagesRead += expanded.messagesRead;
    const isLast = expanded.from === undefined && found.length < size;
    if (placed.length > limit || isLast || found.length === 0) break;
    from = expanded.from ?? endOf(found);
    isCut = rounds >= ROUNDS_MAX || messagesRead >= MESSAGES_READ_MAX;
    if (isCut) break;
  }
  const page = placed.slice(0, limit);
  const last = placed.length > limit ? page.at(-1)?.position : isCut ? from : undefined;
  const hasMore = last !== undefined;
  return {
    data: page.map(({ view }) => view),
    hasMore,
    next: hasMore ? encodeCursor(deps.keys, scope, [last.atMs, last.document, last.number]) : null,
    prev: null,
  };
}

function endOf(found: readonly DocumentSnapshot[]): Position | undefined {
  const last = found.at(-1);
  return last && { atMs: storedOf(last).at.toMillis(), document: last.id, number: 0 };
}

const positionOf = ([atMs, document, number]: (string | number)[]): Position => ({
  atMs: Number(atMs),
  document: String(document),
  number: Number(number),
});

const storedOf = (found: DocumentSnapshot): StoredNotification => demandStored(storedNotification(found));

async function readDocuments(
  app: App,
  { id }: Principal,
  since: number | undefined,
  { from, limit }: { readonly from: Position | undefined; readonly limit: number },
): Promise<DocumentSnapshot[]> {
  let query = notificationsOf(app, id).limit(limit);
  if (since !== undefined) query = query.where("at", ">", Timestamp.fromMillis(since));
  if (from !== undefined) {
    const place = [Timestamp.fromMillis(from.atMs), from.document] as const;
    query = from.number > 0 ? query.startAt(...place) : query.startAfter(...place);
  }
  return (await within(READ_MS_MAX, query.get())).docs;
}

interface Range {
  readonly since: number | undefined;
  readonly from: Position | undefined;
  /** Messages that are read at most. */
  readonly limit: number;
}

interface Expanded {
  readonly placed: readonly Placed[];
  readonly messagesRead: number;
  /** Where to go on; undefined when all documents have been gone through. */
  readonly from: Position | undefined;
}

async function expand(
  deps: ChatDeps,
  app: App,
  principal: Principal,
  { documents, range }: { readonly documents: readonly DocumentSnapshot[]; readonly range: Range },
): Promise<Expanded> {
  if (documents.length === 0) return { placed: [], messagesRead: 0, from: undefined };
  const chats = [...new Set(documents.map((document) => storedOf(document).chat))];
  const [marks, ...heads] = await readAll(deps.firestore, [
    readsRef(app, principal.id),
    ...chats.map((chat) => chatHandle(app, chat).ref),
  ]);
  const headByChat = new Map(chats.map((chat, index) => [chat, heads[index] && headOf(heads[index])]));
  const told = documents.map((document) => rangeOf(document, range.from));
  const placed: Placed[] = [];
  let messagesRead = 0;
  for (let at = 0; at < told.length;) {
    const left = range.limit - messagesRead;
    const group = firstOf(told.slice(at), left);
    const lists = await Promise.all(
      group.map(async (each) => {
        const head = headByChat.get(each.chat);
        if (head?.status !== "open" || !head.members.includes(principal.id)) return [];
        const bounds = { after: each.from - 1, before: each.before, order: "desc", limit: left } as const;
        const rows = await listNumbered(chatHandle(app, each.chat), bounds, head.revision);
        placed.push(...placedOf(rows, each, { person: principal.id, head, marks, since: range.since }));
        return rows;
      }),
    );
    placed.sort(latestFirst(documents));
    messagesRead += lists.reduce((sum, rows) => sum + rows.length, 0);
    at += group.length;
    if (messagesRead < range.limit) continue;
    // The last of the group may have more: it is gone on with below what was read of it.
    const last = group.at(-1);
    const number = lists.at(-1)?.at(-1)?.stored.number ?? 0;
    const from = last && {
      atMs: last.atMs,
      document: last.document,
      number: number > last.from ? number : 0,
    };
    return { placed, messagesRead, from };
  }
  return { placed, messagesRead, from: undefined };
}

/** What a document tells of, as far as it is still to come. */
interface Told {
  readonly document: string;
  readonly atMs: number;
  readonly chat: number;
  readonly from: number;
  readonly before: number;
}

function rangeOf(document: DocumentSnapshot, begun: Position | undefined): Told {
  const { chat, from, through, at } = storedOf(document);
  const before = begun?.document === document.id ? Math.min(through + 1, begun.number) : through + 1;
  return { document: document.id, atMs: at.toMillis(), chat, from, before };
}

/** So many of them as tell of this many messages together, read at once; at least one. */
function firstOf(told: readonly Told[], messages: number): readonly Told[] {
  let sum = 0;
  const count = told.findIndex(({ from, before }) => (sum += Math.max(0, before - from)) >= messages);
  return count === -1 ? told : told.slice(0, Math.max(1, sum === messages ? count + 1 : count));
}

const latestFirst =
  (documents: readonly DocumentSnapshot[]) =>
  (one: Placed, other: Placed): number => {
    const place = ({ position }: Placed) => documents.findIndex(({ id }) => id === position.document);
    return place(one) - place(other) || other.position.number - one.position.number;
  };

function placedOf(
  rows: readonly Row[],
  { chat, document, atMs }: Told,
  {
    person,
    head,
    marks,
    since = 0,
  }: {
    readonly person: string;
    readonly head: ChatHead;
    readonly marks: DocumentSnapshot | undefined;
    readonly since: number | undefined;
  },
): Placed[] {
  const { read, noticedMs, blocked } = readingOf(marks, chat);
  const placed: Placed[] = [];
  for (const { id, stored } of rows) {
    const message = messageView(id, stored);
    const isOwn = "id" in message.sender && message.sender.id === person;
    const createdMs = stored.createdAt.toMillis();
    const isBlocked = "id" in message.sender && blocked.has(message.sender.id);
    const isGone =
      stored.status === "deleted" || stored.event !== undefined || !isVisible(head, person, stored);
    if (isOwn || isBlocked || isGone || createdMs <= since) continue;
    const isRead = stored.number <= readThrough(head, person, read) || createdMs <= noticedMs;
    const view: Notification = {
      id: `${chat}.${stored.number}`,
      kind: kindOf(stored, person),
      chat,
      message: stored.number,
      sender: message.sender,
      excerpt: excerpt(message.text, EXCERPT_CHARS_MAX),
      createdAt: message.createdAt,
      read: isRead,
    };
    placed.push({ view, position: { atMs, document, number: stored.number } });
  }
  return placed;
}

function kindOf({ role, body: { quote, mentions } }: StoredMessage, person: string): Notification["kind"] {
  if (role === "assistant") return "answer";
  if (mentions?.some(({ user }) => user === "all" || user === person) === true) return "mention";
  return quote !== undefined && "id" in quote.sender && quote.sender.id === person ? "reply" : "message";
}
