import { type ChatHandle, chatHandle } from "../chat-handle.ts";
import type { App } from "../../identity/app.ts";
import type { Spend } from "../../identity/spend.ts";
import type { Principal } from "../../identity/principal.ts";
import { decodeCursor, encodeCursor } from "../../platform/cursor.ts";
import { AppError } from "../../platform/errors.ts";
import type { ChatDeps } from "../log/chat-log.ts";
import type { Changes, Edit, EditListQuery, Message, MessagePageQuery, Page } from "../contract.ts";
import { access, type ChatHead } from "../log/head.ts";
import { messageView } from "../log/message.ts";
import { isVisible, mayBeVisible } from "../log/sight.ts";
import type { Unchanged } from "./read-chat.ts";
import { listAlong, type Row, readPath } from "../branches/read-path.ts";
import {
  type FoundMessage,
  findMessage,
  headOf,
  listChanged,
  listEdits,
  listMessages,
  listThread,
  type MessageRange,
  readHead,
  readMarksOf,
} from "../store.ts";

export interface MessagePage {
  readonly page: Page<Message>;
  readonly revision: number;
}

/**
 * A page of messages along a branch, by default the active one: newest first, or oldest first after a number.
 * Costs 1 query and 1 document, made side by side; a branched chat 1 document more, and a query for each
 * branch that the page touches. An unchanged page costs 1 read.
 * @throws AppError `not_found`, `invalid_request`
 */
export async function readMessages(
  deps: ChatDeps,
  chat: ChatHandle,
  principal: Principal,
  {
    query,
    isKnown,
  }: { readonly query: MessagePageQuery; readonly isKnown: ((revision: number) => boolean) | undefined },
): Promise<MessagePage | Unchanged> {
  if (query.thread !== undefined) return readThreadPage(deps, chat, principal, query, query.thread);
  const position = positionOf(deps, chat, principal, query);
  if (isKnown === undefined && position.branch === undefined && !isBranched(deps, chat)) {
    // Most chats have one branch: its rows are fetched beside the head, and given out only after its
    // permission.
    const [rows, head] = await Promise.all([
      listMessages(chat, rangeOf(position, query.limit)),
      readAccessible(deps, chat, principal),
    ]);
    if (head.branchesCount === 1) {
      if (position.around === undefined) return pageOf(deps, chat.app, { principal, head, rows, position });
      const around = await filledUp(chat, { rows, limit: query.limit, lastNumber: head.lastNumber });
      return pageOf(deps, chat.app, { principal, head, rows: around.reverse(), position });
    }
    return readAlong(deps, chat.app, principal, { head, position, limit: query.limit });
  }
  const head = await readAccessible(deps, chat, principal);
  if (isKnown?.(head.revision)) return { unchanged: head.revision };
  return readAlong(deps, chat.app, principal, { head, position, limit: query.limit });
}

/** As far as this instance remembers. */
const isBranched = (deps: ChatDeps, chat: ChatHandle): boolean =>
  (deps.chatLog.chats.known(chat.ref)?.branchesCount ?? 1) > 1;

/**
 * A page of the replies of a thread, newest first, or oldest first after a number. 1 query and 1 document.
 * @throws AppError `not_found`, `invalid_request`
 */
async function readThreadPage(
  deps: ChatDeps,
  chat: ChatHandle,
  principal: Principal,
  query: MessagePageQuery,
  thread: number,
): Promise<MessagePage> {
  const scope = [...cursorScope(chat, principal), `thread ${thread}`];
  const { before, after } = positionOf(deps, chat, principal, query, scope);
  const isForward = after !== undefined;
  const range = { before, after, order: isForward ? ("asc" as const) : ("desc" as const) };
  const [found, head] = await Promise.all([
    listThread(chat, thread, { ...range, limit: query.limit + 1 }),
    readAccessible(deps, chat, principal),
  ]);
  const rows = found.slice(0, query.limit).filter(({ stored }) => isVisible(head, principal.id, stored));
  const hasMore = found.length > query.limit;
  const ordered = isForward ? rows : rows.toReversed();
  const [oldest, newest] = [ordered[0]?.stored.number, ordered.at(-1)?.stored.number];
  const cursor = (direction: "before" | "after", number: number | undefined): string | null =>
    number === undefined ? null : encodeCursor(deps.keys, scope, [direction, number]);
  // Further in the direction asked for it is known whether there is more; in the other there may be.
  const isBounded = before !== undefined;
  const page = {
    data: rows.map(({ id, stored }) => messageView(id, stored)),
    hasMore,
    next: isForward || hasMore ? cursor("before", oldest) : null,
    prev: (isForward ? hasMore : isBounded) ? cursor("after", newest) : null,
  };
  return { page, revision: head.revision };
}

async function readAlong(
  deps: ChatDeps,
  app: App,
  principal: Principal,
  { head, position, limit }: { readonly head: ChatHead; readonly position: Position; readonly limit: number },
): Promise<MessagePage> {
  const branch = position.branch ?? head.activeBranch;
  const path = await readPath(app, head, branch);
  const along = (from: { before: number } | { after: number }, count: number): Promise<Row[]> =>
    listAlong(chatHandle(app, head.number), path, from, count);
  let rows: Row[];
  if (position.around === undefined) {
    rows = await along(
      position.after === undefined ? { before: position.before ?? Infinity } : { after: position.after },
      limit,
    );
  } else {
    const newer = Math.floor((limit - 1) / 2);
    const [up, down] = await Promise.all([
      along({ before: position.around + 1 }, limit - newer),
      along({ after: position.around }, newer),
    ]);
    rows = [...down.reverse(), ...up];
    // Near an end of the path there are more on the other side.
    const missing = limit - rows.length;
    const [newest, oldest] = [rows[0]?.stored.number, rows.at(-1)?.stored.number];
    if (missing > 0 && newest !== undefined && oldest !== undefined) {
      if (down.length < newer) rows.push(...(await along({ before: oldest }, missing)));
      else rows.unshift(...(await along({ after: newest }, missing)).reverse());
    }
  }
  const end = path.at(-1)?.through ?? 0;
  return pageOf(deps, app, { principal, head, rows, position: { ...position, branch } }, end);
}

/**
 * One message by its number. Costs 1 query and 1 document.
 * @throws AppError `not_found`
 */
export async function readMessage(
  deps: ChatDeps,
  chat: ChatHandle,
  principal: Principal,
  number: number,
): Promise<Message> {
  const { ref, stored } = await readVisible(deps, chat, principal, number);
  return messageView(ref.id, stored);
}

/**
 * A message that the principal may read: whether they may is found out before any word about the message. 2
 * reads.
 * @throws AppError `not_found`
 */
export async function readVisible(
  deps: ChatDeps,
  chat: ChatHandle,
  principal: Principal,
  number: number,
): Promise<FoundMessage> {
  const [found, head] = await Promise.all([findMessage(chat, number), readAccessible(deps, chat, principal)]);
  if (found === undefined || !isVisible(head, principal.id, found.stored)) {
    throw new AppError("not_found", "There is no such message.");
  }
  return found;
}

/**
 * A page around a message, oldest first, filled up from the other side where it reaches beyond an end of the
 * chat. 1 query more then.
 */
async function filledUp(
  chat: ChatHandle,
  {
    rows,
    limit,
    lastNumber,
  }: { readonly rows: readonly Row[]; readonly limit: number; readonly lastNumber: number },
): Promise<Row[]> {
  const missing = Math.min(limit, lastNumber) - rows.length;
  if (missing <= 0) return [...rows];
  const [oldest = lastNumber + 1, newest = lastNumber] = [rows[0]?.stored.number, rows.at(-1)?.stored.number];
  const older = await listMessages(chat, { before: oldest, order: "desc", limit: missing });
  const newer =
    older.length === missing
      ? []
      : await listMessages(chat, { after: newest, order: "asc", limit: missing - older.length });
  return [...older.reverse(), ...rows, ...newer];
}

/** One read. @throws AppError `not_found` */
export async function readAccessible(
  deps: ChatDeps,
  chat: ChatHandle,
  principal: Principal,
): Promise<ChatHead> {
  const snapshot = await readHead(chat);
  const head = access(headOf(snapshot), principal);
  deps.chatLog.chats.remember(snapshot);
  return head;
}

/** Where a page lies: at most one of the numbers is there. */
interface Position {
  readonly before?: number | undefined;
  readonly after?: number | undefined;
  readonly around?: number | undefined;
  readonly branch?: string | undefined;
}

function positionOf(
  deps: ChatDeps,
  chat: ChatHandle,
  principal: Principal,
  { before, after, around, branch, cursor }: MessagePageQuery,
  scope = cursorScope(chat, principal),
): Position {
  if (cursor === undefined) return { before, after, around, branch };
  const [direction, number, on] = decodeCursor(deps.keys, scope, cursor);
  // A cursor goes on along the branch that it came from, whichever is active by now.
  const along = on === undefined ? {} : { branch: String(on) };
  return direction === "after" ? { after: Number(number), ...along } : { before: Number(number), ...along };
}

const cursorScope = (chat: ChatHandle, principal: Principal): readonly string[] => [
  "messages",
  chat.app.id,
  principal.id,
  String(chat.number),
];

/** On the only branch numbers have no gaps, so the messages around one are a plain range. */
function rangeOf({ before, after, around }: Position, limit: number): MessageRange {
  if (after !== undefined) return { after, order: "asc", limit };
  if (around !== undefined) {
    return { after: Math.max(0, around - Math.floor(limit / 2) - 1), order: "asc", limit };
  }
  return { ...(before === undefined ? {} : { before }), order: "desc", limit };
}

function pageOf(
  deps: ChatDeps,
  app: App,
  {
    principal,
    head,
    rows,
    position,
  }: {
    readonly principal: Principal;
    readonly head: ChatHead;
    readonly rows: readonly Row[];
    readonly position: Position;
  },
  end = head.lastNumber,
): MessagePage {
  const { branch } = position;
  const cursor = (direction: "before" | "after", number: number): string =>
    encodeCursor(deps.keys, cursorScope(chatHandle(app, head.number), principal), [
      direction,
      number,
      ...(branch === undefined ? [] : [branch]),
    ]);
  const { revision } = head;
  const forward = position.after !== undefined;
  const visible = rows.filter(({ stored }) => isVisible(head, principal.id, stored));
  const ordered = forward ? visible : visible.toReversed();
  const oldest = ordered[0]?.stored;
  const newest = ordered.at(-1)?.stored;
  if (oldest === undefined || newest === undefined) {
    // Beyond an end of the chat there is a way back.
    const isBehind = forward && end > 0;
    const isBefore = !forward && rows.length === 0 && end > 0;
    const page = {
      data: [],
      hasMore: false,
      next: isBehind ? cursor("before", Math.min(position.after ?? 0, end) + 1) : null,
      prev: isBefore ? cursor("after", 0) : null,
    };
    return { page, revision };
  }
  const isAllVisible = visible.length === rows.length && mayBeVisible(head, principal.id, oldest.parent);
  const older = isAllVisible ? cursor("before", oldest.number) : null;
  const newer = newest.number < end ? cursor("after", newest.number) : null;
  const page = {
    data: visible.map(({ id, stored }) => messageView(id, stored)),
    hasMore: (forward ? newer : older) !== null,
    next: older,
    prev: newer,
  };
  return { page, revision };
}

/**
 * What changed since a revision, in the order of the changes, deletions included: whatever a device missed,
 * this brings it up to date. Costs 1 query and 1 document.
 * @throws AppError `not_found`
 */
export async function readChanges(
  deps: ChatDeps,
  chat: ChatHandle,
  principal: Principal,
  query: { readonly since: number; readonly limit: number },
): Promise<Changes> {
  // The head first: a change that comes between the two reads is then in the rows or beyond the revision.
  const head = await readAccessible(deps, chat, principal);
  if (query.since >= head.revision) return { data: [], revision: head.revision, hasMore: false };
  const rows = await listChanged(chat, query.since, query.limit + 1);
  const page = rows.slice(0, query.limit);
  const hasMore = rows.length > query.limit;
  const reached = page.at(-1)?.stored.revision ?? query.since;
  const visible = page.filter(({ stored }) => isVisible(head, principal.id, stored));
  return {
    data: visible.map(({ id, stored }) => messageView(id, stored)),
    revision: hasMore ? reached : Math.max(head.revision, reached),
    hasMore,
  };
}

/**
 * What a message said, oldest first, its present text last; empty for one that was never edited.
 * Costs 2 queries and 1 document, a read for each edit of the page and one more.
 * @throws AppError `not_found`, `invalid_request` for a cursor of another list
 */
export async function readEdits(
  deps: ChatDeps,
  chat: ChatHandle,
  principal: Principal,
  number: number,
  { cursor, limit }: EditListQuery,
): Promise<Page<Edit>> {
  const scope = ["edits", chat.app.id, principal.id, String(chat.number), String(number)];
  const after = cursor === undefined ? 0 : Number(decodeCursor(deps.keys, scope, cursor)[0]);
  const found = await readVisible(deps, chat, principal, number);
  if (found.stored.hidden === true) return { data: [], hasMore: false, next: null, prev: null };
  const edits = await listEdits(found.ref, { after, limit: limit + 1 });
  const page = edits.slice(0, limit).map(({ stored }) => stored);
  const last = page.at(-1);
  const hasMore = edits.length > limit && last !== undefined;
  return {
    data: page.map(({ text, revision, at }) => ({ text, revision, createdAt: at.toDate().toISOString() })),
    hasMore,
    next: hasMore ? encodeCursor(deps.keys, scope, [last.revision]) : null,
    prev: null,
  };
}

/**
 * Up to where each member has read, and up to where the chat has reached them. Costs 1 document for the chat
 * and one for each member.
 * @throws AppError `not_found`
 */
export async function readReads(
  deps: ChatDeps,
  chat: ChatHandle,
  principal: Principal,
  spend: Spend,
): Promise<{ user: string; number: number; delivered: number }[]> {
  const head = await readAccessible(deps, chat, principal);
  await spend(head.members.length);
  const marks = await readMarksOf(deps.firestore, chat, head.members);
  return head.members.map((user) => {
    const sent = head.sent[user] ?? 0;
    const { read = 0, delivered = 0 } = marks.get(user) ?? {};
    return { user, number: Math.max(read, sent), delivered: Math.max(delivered, sent) };
  });
}
