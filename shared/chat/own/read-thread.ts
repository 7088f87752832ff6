import type { ChatHandle } from "../chat-handle.ts";
import type { Principal } from "../../identity/principal.ts";
import { AppError } from "../../platform/errors.ts";
import { FieldValue } from "../../platform/firestore-values.ts";
import { READ_MS_MAX, within } from "../../platform/within.ts";
import type { Thread } from "../contract.ts";
import type { ChatDeps } from "../log/chat-log.ts";
import { readThrough } from "../log/head.ts";
import { readAccessible, readVisible } from "../read/read-messages.ts";
import { readThreadDraft } from "./draft.ts";
import { type Draft, type DraftView, draftView } from "./own-state.ts";
import { countReplies, readReadingOf, readsRef } from "../store.ts";

/**
 * A thread as the caller has it: what they have read of the chat they have read of its threads, and of a
 * thread up to where they say; with it what they have begun to write there. 3 reads and 1 count, 1 read more
 * for a long draft.
 * @throws AppError `not_found`
 */
export async function readThread(
  deps: ChatDeps,
  chat: ChatHandle,
  principal: Principal,
  root: number,
): Promise<Thread> {
  const [head, { stored }, reading] = await Promise.all([
    readAccessible(deps, chat, principal),
    readVisible(deps, chat, principal, root),
    readReadingOf(chat, principal.id, root),
  ]);
  const through = Math.max(readThrough(head, principal.id, reading.chat), reading.thread);
  const count = stored.replies?.count ?? 0;
  const unreadCount = count === 0 ? 0 : await countReplies(chat, root, through);
  const draft = reading.draft && (await wholeDraft(reading.draft));
  return {
    message: root,
    count,
    unreadCount,
    readThrough: through,
    ...(draft === undefined ? {} : { draft }),
  };

  async function wholeDraft(begun: Draft): Promise<DraftView> {
    const { cut, ...view } = draftView(begun);
    const whole = cut ? await readThreadDraft(chat, principal.id, root) : undefined;
    return { ...view, text: whole ?? view.text };
  }
}

/**
 * Marks a thread as read up to a message. Marks never move back. 2 reads and 1 write. @throws AppError
 * `not_found`
 */
export async function markThread(
  deps: ChatDeps,
  chat: ChatHandle,
  principal: Principal,
  { root, number }: { readonly root: number; readonly number: number },
): Promise<void> {
  const [head] = await Promise.all([
    readAccessible(deps, chat, principal),
    readVisible(deps, chat, principal, root),
  ]);
  if (number > head.lastNumber) {
    throw new AppError("invalid_request", "No message has this number yet.", {
      errors: [{ path: "number", message: "must be the number of a message of this chat" }],
    });
  }
  const threads = { [String(chat.number)]: { [String(root)]: FieldValue.maximum(number) } };
  await within(READ_MS_MAX, readsRef(chat.app, principal.id).set({ threads }, { merge: true }));
}
