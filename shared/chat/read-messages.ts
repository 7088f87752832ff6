import type { App } from "../identity/app.ts";
import type { Principal } from "../identity/principal.ts";
import { decodeCursor, encodeCursor } from "../platform/cursor.ts";
import { AppError } from "../platform/errors.ts";
import type { ChatDeps } from "./chat-log.ts";
import type { Changes, Edit, Message, MessagePageQuery, Page } from "./contract.ts";
import { access, type ChatHead, MAIN_BRANCH } from "./head.ts";
import { messageView } from "./message.ts";
import type { Unchanged } from "./read-chat.ts";
import {
  findMessage,
  headOf,
  listChanged,
  listEdits,
  listMessages,
  type MessageRange,
  readHead,
  readMarksOf,
} from "./store.ts";

export interface MessagePage {
  readonly page: Page<Message>;
  readonly revision: number;
}

/**
 * A page of messages: newest first, or oldest first after a number. Costs 1 query and 1 document, made
 * side by side; an unchanged page costs 1 read.
 * @throws AppError `not_found`, `invalid_request`
 */
export async function readMessages(
  deps: ChatDeps,
  app: App,
  principal: Principal,
  chat: number,
  query: MessagePageQuery,
  isKnown: ((revision: number) => boolean) | undefined,
): Promise<MessagePage | Unchanged> {
  const position = positionOf(deps, app, principal, chat, query);
  const range = rangeOf(position, query.limit);
  let head: ChatHead | undefined;
  if (isKnown !== undefined) {
    head = await readAccessible(deps, app, principal, chat);
    if (isKnown(head.revision)) return { unchanged: head.revision };
  }
  // The rows are fetched beside the head to save a round trip, and given out only after its permission.
  const [rows, allowed] = await Promise.all([
    listMessages(app, chat, range),
    head ?? readAccessible(deps, app, principal, chat),
  ]);
  if (query.branch !== undefined && query.branch !== MAIN_BRANCH) {
    throw new AppError("not_found", "There is no such branch.");
  }
  const messages = rows.map(({ id, stored }) => messageView(id, stored));
  if ("around" in position) messages.reverse();
  const page = pageView(deps, app, principal, chat, messages, position, allowed.lastNumber);
  return { page, revision: allowed.revision };
}

/**
 * One message by its number. Costs 1 query and 1 document.
 * @throws AppError `not_found`
 */
export async function readMessage(
  deps: ChatDeps,
  app: App,
  principal: Principal,
  chat: number,
  number: number,
): Promise<Message> {
  const [rows] = await Promise.all([
    listMessages(app, chat, { after: number - 1, before: number + 1, order: "asc", limit: 1 }),
    readAccessible(deps, app, principal, chat),
  ]);
  const row = rows[0];
  if (row === undefined) throw new AppError("not_found", "There is no such message.");
  return messageView(row.id, row.stored);
}

/** One read. @throws AppError `not_found` */
export async function readAccessible(
  deps: ChatDeps,
  app: App,
  principal: Principal,
  chat: number,
): Promise<ChatHead> {
  const snapshot = await readHead(app, chat);
  const head = access(headOf(snapshot), principal);
  deps.chatLog.chats.remember(snapshot);
  return head;
}

type Position =
  | { readonly before: number | undefined }
  | { readonly after: number }
  | { readonly around: number };

function positionOf(
  deps: ChatDeps,
  app: App,
  principal: Principal,
  chat: number,
  query: MessagePageQuery,
): Position {
  if (query.cursor !== undefined) {
    const [direction, number] = decodeCursor(deps.keys, cursorScope(app, principal, chat), query.cursor);
    return direction === "after" ? { after: Number(number) } : { before: Number(number) };
  }
  if (query.after !== undefined) return { after: query.after };
  if (query.around !== undefined) return { around: query.around };
  return { before: query.before };
}

const cursorScope = (app: App, principal: Principal, chat: number): readonly string[] => [
  "messages",
  app.id,
  principal.id,
  String(chat),
];

/** Numbers have no gaps, so the messages around one are a plain range. */
function rangeOf(position: Position, limit: number): MessageRange {
  if ("after" in position) return { after: position.after, order: "asc", limit };
  if ("around" in position) {
    return { after: position.around - Math.floor(limit / 2) - 1, order: "asc", limit };
  }
  return { ...(position.before === undefined ? {} : { before: position.before }), order: "desc", limit };
}

function pageView(
  deps: ChatDeps,
  app: App,
  principal: Principal,
  chat: number,
  messages: readonly Message[],
  position: Position,
  lastNumber: number,
): Page<Message> {
  const cursor = (direction: "before" | "after", number: number): string =>
    encodeCursor(deps.keys, cursorScope(app, principal, chat), [direction, number]);
  const numbers = messages.map(({ number }) => number);
  const oldest = Math.min(...numbers);
  const newest = Math.max(...numbers);
  if (messages.length === 0) return { data: [], hasMore: false, next: null, prev: null };
  const older = oldest > 1 ? cursor("before", oldest) : null;
  const newer = newest < lastNumber ? cursor("after", newest) : null;
  const forward = "after" in position;
  return {
    data: messages,
    hasMore: (forward ? newer : older) !== null,
    next: forward ? newer : older,
    prev: forward ? older : newer,
  };
}

/**
 * What changed since a revision, in the order of the changes, deletions included: whatever a device missed,
 * this brings it up to date. Costs 1 query and 1 document.
 * @throws AppError `not_found`
 */
export async function readChanges(
  deps: ChatDeps,
  app: App,
  principal: Principal,
  chat: number,
  query: { readonly since: number; readonly limit: number },
): Promise<Changes> {
  // The head first: a change that comes between the two reads is then in the rows or beyond the revision.
  const head = await readAccessible(deps, app, principal, chat);
  if (query.since >= head.revision) return { data: [], revision: head.revision, hasMore: false };
  const rows = await listChanged(app, chat, query.since, query.limit + 1);
  const page = rows.slice(0, query.limit);
  const hasMore = rows.length > query.limit;
  const reached = page.at(-1)?.stored.revision ?? query.since;
  return {
    data: page.map(({ id, stored }) => messageView(id, stored)),
    revision: hasMore ? reached : Math.max(head.revision, reached),
    hasMore,
  };
}

/**
 * What a message said, oldest first, its present text last; empty for one that was never edited.
 * Costs 2 queries and 1 document, a read for each edit.
 * @throws AppError `not_found`
 */
export async function readEdits(
  deps: ChatDeps,
  app: App,
  principal: Principal,
  chat: number,
  number: number,
): Promise<Edit[]> {
  const [found] = await Promise.all([
    findMessage(app, chat, number),
    readAccessible(deps, app, principal, chat),
  ]);
  if (found === undefined) throw new AppError("not_found", "There is no such message.");
  const edits = await listEdits(found.ref);
  return edits.map(({ stored }) => ({
    text: stored.text,
    revision: stored.revision,
    createdAt: stored.at.toDate().toISOString(),
  }));
}

/**
 * Up to where each member has read. Costs 1 document for the chat and one for each member.
 * @throws AppError `not_found`
 */
export async function readReads(
  deps: ChatDeps,
  app: App,
  principal: Principal,
  chat: number,
): Promise<{ user: string; number: number }[]> {
  const head = await readAccessible(deps, app, principal, chat);
  const marks = await readMarksOf(deps.firestore, app, chat, head.members);
  return head.members.map((user) => ({ user, number: Math.max(marks.get(user) ?? 0, head.sent[user] ?? 0) }));
}
