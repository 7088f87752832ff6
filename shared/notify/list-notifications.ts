import { chatHandle } from "../chat/chat-handle.ts";
import { demandStored } from "../platform/stored.ts";
import type { ChatDeps } from "../chat/log/chat-log.ts";
import { type ChatHead, excerpt, readThrough } from "../chat/log/head.ts";
import { isVisible } from "../chat/log/sight.ts";
import { messageView, type StoredMessage } from "../chat/log/message.ts";
import { headOf, listMessages, readsRef } from "../chat/store.ts";
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
 * query, 1 read for each document, chat and message, and 1 for the person's marks.
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
  for (let rounds = 1; ; rounds += 1) {
    const size = Math.min(DOCUMENTS_MAX, limit + 1 - placed.length);
    const found = await readDocuments(app, principal, since, { from, limit: size });
    placed.push(
      ...(await expand(deps, app, principal, { documents: found, range: { since, from, limit: limit + 1 } })),
    );
    const last = found.at(-1);
    if (placed.length > limit || found.length < size || last === undefined) break;
    from = { atMs: storedOf(last).at.toMillis(), document: last.id, number: 0 };
    isCut = rounds >= ROUNDS_MAX;
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
  readonly limit: number;
}

async function expand(
  deps: ChatDeps,
  app: App,
  principal: Principal,
  { documents, range }: { readonly documents: readonly DocumentSnapshot[]; readonly range: Range },
): Promise<Placed[]> {
  if (documents.length === 0) return [];
  const chats = [...new Set(documents.map((document) => storedOf(document).chat))];
  const [marks, ...heads] = await readAll(deps.firestore, [
    readsRef(app, principal.id),
    ...chats.map((chat) => chatHandle(app, chat).ref),
  ]);
  const headByChat = new Map(chats.map((chat, index) => [chat, heads[index] && headOf(heads[index])]));
  const lists = await Promise.all(
    documents.map(async (document) => {
      const head = headByChat.get(storedOf(document).chat);
      if (head?.status !== "open" || !head.members.includes(principal.id)) return [];
      return messagesOf(app, principal, document, { head, marks, range });
    }),
  );
  return lists.flat();
}

async function messagesOf(
  app: App,
  { id: person }: Principal,
  document: DocumentSnapshot,
  { head, marks, range }: { head: ChatHead; marks: DocumentSnapshot | undefined; range: Range },
): Promise<Placed[]> {
  const { chat, from, through, at } = storedOf(document);
  const { read, noticedMs, blocked } = readingOf(marks, chat);
  const isBegun = range.from?.document === document.id;
  const before = isBegun ? Math.min(through + 1, range.from?.number ?? 0) : through + 1;
  const bounds = { after: from - 1, before, order: "desc", limit: range.limit } as const;
  const rows = await listMessages(chatHandle(app, chat), bounds);
  const placed: Placed[] = [];
  for (const { id, stored } of rows) {
    const message = messageView(id, stored);
    const isOwn = "id" in message.sender && message.sender.id === person;
    const createdMs = stored.createdAt.toMillis();
    const isBlocked = "id" in message.sender && blocked.has(message.sender.id);
    const isGone = stored.status === "deleted" || !isVisible(head, person, stored);
    if (isOwn || isBlocked || isGone || createdMs <= (range.since ?? 0)) continue;
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
    placed.push({ view, position: { atMs: at.toMillis(), document: document.id, number: stored.number } });
  }
  return placed;
}

function kindOf({ role, body: { quote } }: StoredMessage, person: string): Notification["kind"] {
  if (role === "assistant") return "answer";
  return quote !== undefined && "id" in quote.sender && quote.sender.id === person ? "reply" : "message";
}
