import { type ChatHandle, chatHandle } from "../chat-handle.ts";
import type { App } from "../../identity/app.ts";
import type { Principal } from "../../identity/principal.ts";
import { decodeCursor, encodeCursor } from "../../platform/cursor.ts";
import { AppError } from "../../platform/errors.ts";
import type { ChatDeps } from "../log/chat-log.ts";
import type { Message, MessagePageQuery, Page } from "../contract.ts";
import { access, type ChatHead } from "../log/head.ts";
import { messageView } from "../log/message.ts";
import { isInSight, isVisible, mayBeVisible } from "../log/sight.ts";
import type { Unchanged } from "./read-chat.ts";
import { listAlongIn, type Row, readPath } from "../branches/read-path.ts";
import {
  type Blocks,
  blocksNear,
  blocksOn,
  freshen,
  type Newest,
  newestOf,
  type NumberRange,
} from "../blocks/read-blocks.ts";
import { blocksWithin, type Found, readHeadWithBlocks, readTail } from "../blocks/store.ts";
import { type FoundMessage, findMessage, headOf, listThread, readHead } from "../store.ts";

export interface MessagePage {
  readonly rows: readonly Row[];
  /** All of the page but its messages. */
  readonly bounds: Omit<Page<Message>, "data">;
  readonly revision: number;
}

export const pageView = ({ rows, bounds }: MessagePage): Page<Message> => ({
  data: rows.map(({ id, stored }) => messageView(id, stored)),
  ...bounds,
});

/** The same as JSON, which messages out of blocks mostly are already. */
export function pageJson({ rows, bounds }: MessagePage): string {
  const data = rows.map((row) => row.json ?? JSON.stringify(messageView(row.id, row.stored)));
  return `{"data":[${data.join(",")}],${JSON.stringify(bounds).slice(1)}`;
}

/**
 * A page of messages along a branch, by default the active one: newest first, or oldest first after a number.
 * Costs a read for the head, one for the newest messages together and one for each block of older ones; a
 * read for each message that the background has not come to yet, or of a chat without blocks; a branched chat
 * 1 document more. An unchanged page, and one out of blocks that this instance remembers, cost 1 read.
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
  const { head, blocks } = await readHeadAndBlocks(deps, chat, principal, {
    near: nearOf(position, query.limit),
    isKnown,
  });
  if (isKnown?.(head.revision)) return { unchanged: head.revision };
  return readAlong(deps, chat.app, principal, { head, blocks: await blocks(), position, limit: query.limit });
}

/**
 * A chat that may be read, and its blocks: in one call, unless the head alone may turn out to be enough.
 */
async function readHeadAndBlocks(
  deps: ChatDeps,
  chat: ChatHandle,
  principal: Principal,
  {
    near,
    isKnown,
  }: {
    readonly near: NumberRange | undefined;
    readonly isKnown: ((revision: number) => boolean) | undefined;
  },
): Promise<{ readonly head: ChatHead; blocks(): Promise<Blocks | undefined> }> {
  const { chats, recentBlocks } = deps.chatLog;
  const known = recentBlocks.get(chat);
  const wanted = near === undefined ? [] : blocksNear(near, chats.known(chat.ref)?.lastNumber);
  const onNewest = async (
    newest: Newest | undefined,
    revision: number,
    read: Found["blocks"],
  ): Promise<Blocks | undefined> => {
    const fresh = newest && (await freshen(chat, newest, revision));
    if (fresh === undefined) recentBlocks.forget(chat);
    else recentBlocks.keep(chat, fresh);
    return fresh && blocksOn(chat, fresh, { read, recent: recentBlocks });
  };
  if (known !== undefined || isKnown !== undefined) {
    // Who asks whether a page has changed mostly learns that it has not.
    const older =
      known === undefined || near === undefined || isKnown !== undefined
        ? []
        : blocksWithin(near.after, near.through, known.sealed).filter(
            (block) => !recentBlocks.hasSealed(chat, block, known),
          );
    const read = await readHeadWithBlocks(chat, older);
    const head = access(headOf(read.head), principal);
    if (read.head !== undefined) chats.remember(read.head);
    return {
      head,
      async blocks() {
        const blocks = await onNewest(known, head.revision, read.blocks);
        if (blocks !== undefined) return blocks;
        const found = await readTail(chat, wanted, { head: false });
        return onNewest(newestOf(found.tail), head.revision, found.blocks);
      },
    };
  }
  const found = await readTail(chat, wanted, { head: true });
  const head = access(headOf(found.head), principal);
  if (found.head !== undefined) chats.remember(found.head);
  return { head, blocks: () => onNewest(newestOf(found.tail), head.revision, found.blocks) };
}

/** Where a page lies, as far as that is known before the chat is; nowhere for one from the end. */
function nearOf({ before, after, around }: Position, limit: number): NumberRange | undefined {
  if (after !== undefined) return { after, through: after + limit };
  if (before !== undefined) return { after: Math.max(0, before - 1 - limit), through: before - 1 };
  if (around === undefined) return undefined;
  const half = Math.ceil(limit / 2);
  return { after: Math.max(0, around - half), through: around + half };
}

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
  const bounds = {
    hasMore,
    next: isForward || hasMore ? cursor("before", oldest) : null,
    prev: (isForward ? hasMore : isBounded) ? cursor("after", newest) : null,
  };
  return { rows, bounds, revision: head.revision };
}

async function readAlong(
  deps: ChatDeps,
  app: App,
  principal: Principal,
  {
    head,
    blocks,
    position,
    limit,
  }: {
    readonly head: ChatHead;
    readonly blocks: Blocks | undefined;
    readonly position: Position;
    readonly limit: number;
  },
): Promise<MessagePage> {
  const branch = position.branch ?? head.activeBranch;
  const path = await readPath(app, head, branch);
  const along = (from: { before: number } | { after: number }, count: number): Promise<Row[]> =>
    listAlongIn(chatHandle(app, head.number), blocks, path, from, count);
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
  const sight = head.sees?.[principal.id];
  const visible = sight === undefined ? rows : rows.filter(({ stored }) => isInSight(sight, stored));
  const ordered = forward ? visible : visible.toReversed();
  const oldest = ordered[0]?.stored;
  const newest = ordered.at(-1)?.stored;
  if (oldest === undefined || newest === undefined) {
    // Beyond an end of the chat there is a way back.
    const isBehind = forward && end > 0;
    const isBefore = !forward && rows.length === 0 && end > 0;
    const bounds = {
      hasMore: false,
      next: isBehind ? cursor("before", Math.min(position.after ?? 0, end) + 1) : null,
      prev: isBefore ? cursor("after", 0) : null,
    };
    return { rows: [], bounds, revision };
  }
  const isAllVisible = visible.length === rows.length && mayBeVisible(head, principal.id, oldest.parent);
  const older = isAllVisible ? cursor("before", oldest.number) : null;
  const newer = newest.number < end ? cursor("after", newest.number) : null;
  const bounds = {
    hasMore: (forward ? newer : older) !== null,
    next: older,
    prev: newer,
  };
  return { rows: visible, bounds, revision };
}
