import type { ChatHandle } from "../chat-handle.ts";
import type { Principal } from "../../identity/principal.ts";
import type { WriteBatch } from "../../platform/firestore.ts";
import { FieldValue } from "../../platform/firestore-values.ts";
import { READ_MS_MAX, within } from "../../platform/within.ts";
import type { Chat, OwnChange } from "../contract.ts";
import type { ChatDeps } from "../log/chat-log.ts";
import { latestAtOf } from "../log/crowd-times.ts";
import { access, chatView, type ChatHead } from "../log/head.ts";
import { type OwnSignal, ownSignal } from "../log/signal.ts";
import { headOf, readHeadAndOwn, readsRef } from "../store.ts";
import { NOTE_FIELDS, type Notes, type OwnState, ownView } from "./own-state.ts";

/**
 * Notes something on a chat for the caller alone: nobody else sees it, and the chat's revision stays. Their
 * other devices are told, and of `told` with it. `besides` adds to the commit. Idempotent. Costs 2 reads, 1
 * commit and 2 writes.
 * @throws AppError `not_found`; what `notesOn` throws
 */
export async function noteOwn(
  deps: ChatDeps,
  chat: ChatHandle,
  principal: Principal,
  notesOn: (head: ChatHead, own: OwnState) => Notes,
  {
    besides = () => undefined,
    told = {},
  }: { readonly besides?: (batch: WriteBatch) => void; readonly told?: OwnTold } = {},
): Promise<Chat> {
  const { snapshot, own } = await readHeadAndOwn(chat, principal.id);
  const head = access(headOf(snapshot), principal);
  deps.chatLog.chats.remember(snapshot);
  const notes = notesOn(head, own);
  const next = { ...own, ...notes };
  const batch = deps.firestore.batch();
  const fields = Object.entries(notes).map(([name, note]) => [
    NOTE_FIELDS[name as keyof Notes],
    { [String(chat.number)]: note ?? (note === null ? null : FieldValue.delete()) },
  ]);
  batch.set(readsRef(chat.app, principal.id), Object.fromEntries(fields), { merge: true });
  const signal = ownSignal(deps, chat, principal.id, { ...ownView(head, next), ...told });
  batch.set(signal.ref, signal.data);
  besides(batch);
  await within(READ_MS_MAX, batch.commit());
  return chatView(head, principal.id, next);
}

/** What besides is told to the person's other devices. */
type OwnTold = Pick<OwnSignal, "threadDraft">;

/** Arranges a chat for the caller alone. Costs what `noteOwn` does. @throws AppError `not_found` */
export const changeOwn = (
  deps: ChatDeps,
  chat: ChatHandle,
  principal: Principal,
  change: OwnChange,
): Promise<Chat> =>
  noteOwn(deps, chat, principal, (head, own) => arranged(head, own, change, deps.clock.now()));

function arranged(
  head: ChatHead,
  own: OwnState,
  { archived, pinned, order, notify, markedUnread }: OwnChange,
  nowMs: number,
): Notes {
  const isPinned = pinned ?? (order === undefined ? undefined : true);
  const place = order ?? (typeof own.pinned === "number" ? own.pinned : nowMs);
  return {
    ...(archived === undefined
      ? {}
      : { archived: archived && { through: head.lastNumber, at: latestAtOf(head) } }),
    ...(isPinned === undefined ? {} : { pinned: isPinned && place }),
    ...(notify === undefined ? {} : { level: notify === "all" ? undefined : notify }),
    ...(markedUnread === undefined ? {} : { markedUnread: markedUnread || undefined }),
  };
}
