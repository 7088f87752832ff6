import type { Spend } from "../../identity/spend.ts";
import type { Principal } from "../../identity/principal.ts";
import { decodeCursor, encodeCursor } from "../../platform/cursor.ts";
import type { ChatHandle } from "../chat-handle.ts";
import type { Changes, Edit, EditListQuery, Page } from "../contract.ts";
import type { ChatDeps } from "../log/chat-log.ts";
import { messageView } from "../log/message.ts";
import { isVisible } from "../log/sight.ts";
import { listChangedAfter } from "../blocks/read-blocks.ts";
import { listEdits, readMarksOf } from "../store.ts";
import { readAccessible, readVisible } from "./read-messages.ts";

/**
 * What changed since a revision, in the order of the changes, deletions included: whatever a device missed,
 * this brings it up to date. Costs 1 document and, for a few changes, 1 query and a read for each; more cost
 * 1 read where they lie in the newest messages.
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
  const rows = await listChangedAfter(chat, query.since, {
    revision: head.revision,
    limit: query.limit + 1,
  });
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
  const marks = await readMarksOf(chat, head.members);
  return head.members.map((user) => {
    const sent = head.sent[user] ?? 0;
    const { read = 0, delivered = 0 } = marks.get(user) ?? {};
    return { user, number: Math.max(read, sent), delivered: Math.max(delivered, sent) };
  });
}
