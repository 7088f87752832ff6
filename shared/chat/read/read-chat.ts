import { type ChatHandle } from "../chat-handle.ts";
import type { App } from "../../identity/app.ts";
import { holds } from "../../identity/permissions.ts";
import type { Principal } from "../../identity/principal.ts";
import { decodeCursor, encodeCursor } from "../../platform/cursor.ts";
import type { ChatDeps } from "../log/chat-log.ts";
import type { Chat, ChatListQuery, Page } from "../contract.ts";
import { access, chatView } from "../log/head.ts";
import { listHeads, positionOf } from "./list-heads.ts";
import { headOf, readHead, readHeadAndMark, readMarks } from "../store.ts";

/** The caller has this revision already. */
export interface Unchanged {
  readonly unchanged: number;
}

/**
 * One chat. Costs 2 reads; 1 when the caller knows its revision.
 * @throws AppError `not_found`
 */
export async function readChat(
  deps: ChatDeps,
  chat: ChatHandle,
  principal: Principal,
  isKnown: ((revision: number) => boolean) | undefined,
): Promise<Chat | Unchanged> {
  if (isKnown !== undefined) {
    const snapshot = await readHead(chat);
    const head = access(headOf(snapshot), principal);
    deps.chatLog.chats.remember(snapshot);
    if (isKnown(head.revision)) return { unchanged: head.revision };
  }
  const { snapshot, mark } = await readHeadAndMark(deps.firestore, chat, principal.id);
  const head = access(headOf(snapshot), principal);
  deps.chatLog.chats.remember(snapshot);
  return chatView(head, principal.id, mark);
}

/**
 * The caller's chats, latest activity first; all chats of the app for those who may see any. Costs 1 query
 * and 1 document; latest message and unread count come with it. A page by tag or member may hold fewer than
 * there are, and say how to go on.
 * @throws AppError `invalid_request` for a cursor of another list
 */
export async function listChats(
  deps: ChatDeps,
  app: App,
  principal: Principal,
  query: ChatListQuery,
): Promise<Page<Chat>> {
  const { cursor, limit, ...filter } = query;
  const scope = ["chats", app.id, principal.id, JSON.stringify(filter)];
  const position = cursor === undefined ? undefined : decodeCursor(deps.keys, scope, cursor);
  const after =
    position === undefined
      ? undefined
      : { updatedAtMicros: String(position[0]), number: Number(position[1]) };
  const personId = holds(principal, "chat:any") && principal.kind !== "person" ? undefined : principal.id;
  const [{ heads, goOnAfter }, markOf] = await Promise.all([
    listHeads(app, personId, { ...filter, after, limit: limit + 1 }),
    readMarks(app, principal.id),
  ]);
  const page = heads.slice(0, limit);
  const last = page.at(-1);
  const reached = heads.length > limit && last !== undefined ? positionOf(last) : goOnAfter;
  return {
    data: page.map((head) => chatView(head, principal.id, markOf(head.number))),
    hasMore: reached !== undefined,
    next:
      reached === undefined
        ? null
        : encodeCursor(deps.keys, scope, [reached.updatedAtMicros, reached.number]),
    prev: null,
  };
}
