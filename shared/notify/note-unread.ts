import { chatHandle } from "../chat/chat-handle.ts";
import type { ChatHead } from "../chat/log/head.ts";
import { unreadAsNoted, unreadIn } from "../chat/own/noted-unread.ts";
import { headOf, readHead } from "../chat/store.ts";
import type { App } from "../identity/app.ts";
import type { Deps } from "../platform/deps.ts";
import { AppError } from "../platform/errors.ts";
import type { NotifyMembers } from "./contract.ts";
import {
  forgetUnread,
  PEOPLE_AT_ONCE,
  type Reading,
  readReadings,
  type UnreadNote,
  writeNotes,
} from "./store.ts";

/**
 * What is unread in chats beyond the first page of somebody's list is not counted when that is read: it
 * stands with their own notes. These are the people of whom something else is noted than is unread to them.
 * Whoever is there (`watching`) is looked at again: until then only what is too much is mended. In a
 * temporary chat, which no list shows, nothing counts.
 */
export function staleNotes(
  head: ChatHead,
  people: Iterable<readonly [person: string, Reading]>,
  watching: ReadonlySet<string> = new Set(),
): UnreadNote[] {
  return [...people].flatMap(([person, seen]) => {
    const found = unreadIn(head, person, seen.read);
    const unread = head.temporary ? { ...found, count: 0 } : found;
    const noted = unreadAsNoted(seen.noted, seen.read);
    const isStale = unread.count < noted || (unread.count > noted && !watching.has(person));
    return isStale ? [{ person, unread }] : [];
  });
}

/** Passes over a chat that changes meanwhile. */
const PASSES_MAX = 3;

/**
 * Counts anew for each member what is unread in a chat in which messages were deleted, withheld or shown
 * again. A pass that ends in another chat than it began with is made again, so that the last word is that of
 * the latest head. Idempotent; returns for how many it was another. 2 reads and 1 for each member, 1 write
 * for each for whom it is another.
 * @throws AppError `unavailable` when the chat does not come to rest
 */
export async function recountUnread(
  deps: Deps,
  app: App,
  { chat }: NotifyMembers,
): Promise<{ recounted: number }> {
  const noted = new Set<string>();
  const handle = chatHandle(app, chat);
  let head = headOf(await readHead(handle));
  for (let pass = 0; pass < PASSES_MAX; pass += 1) {
    if (head === undefined || head.status !== "open") return { recounted: noted.size };
    for (let from = 0; from < head.members.length; from += PEOPLE_AT_ONCE) {
      const people = head.members.slice(from, from + PEOPLE_AT_ONCE);
      const notes = staleNotes(head, await readReadings(deps.firestore, handle, people));
      await writeNotes(handle, notes);
      for (const { person } of notes) noted.add(person);
    }
    const after = headOf(await readHead(handle));
    const { members = [] } = after ?? {};
    // To whoever has left meanwhile nothing is unread there.
    await forgetUnread(
      handle,
      [...noted].filter((person) => !members.includes(person)),
    );
    if (after?.lastNumber === head.lastNumber && isSilentAlike(head, after)) return { recounted: noted.size };
    head = after;
  }
  throw new AppError("unavailable", "The chat changes all the time.", { retryAfterSeconds: 1 });
}

/** Whether the same messages are unread to nobody in both. */
export const isSilentAlike = (a: ChatHead, b: ChatHead): boolean =>
  JSON.stringify(a.silent ?? []) === JSON.stringify(b.silent ?? []);
