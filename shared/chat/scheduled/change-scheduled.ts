import type { Principal } from "../../identity/principal.ts";
import { AppError } from "../../platform/errors.ts";
import { FieldValue, Timestamp } from "../../platform/firestore-values.ts";
import { READ_MS_MAX, within } from "../../platform/within.ts";
import type { ChatHandle } from "../chat-handle.ts";
import type { Page, ScheduledChange, ScheduledMessage } from "../contract.ts";
import type { ChatDeps } from "../log/chat-log.ts";
import { readAccessible } from "../read/read-messages.ts";
import {
  demandTime,
  enqueueScheduled,
  SCHEDULED_IN_CHAT_MAX,
  SCHEDULED_KEPT_MS,
  type ScheduleDeps,
  scheduledView,
} from "./schedule-message.ts";
import {
  decideOn,
  letGoForLater,
  scheduledIn,
  scheduledRef,
  type StoredScheduled,
  storedScheduled,
} from "./store.ts";

/**
 * What the caller has scheduled in a chat and is still to be sent, or could not be; the earliest first, all
 * of it. Their own, so also of a chat that they have left. 1 query, 1 read for each; where there is none, 1
 * read of the chat.
 * @throws AppError `not_found` for strangers to the chat who have nothing in it
 */
export async function listScheduled(
  deps: ChatDeps,
  chat: ChatHandle,
  by: Principal,
): Promise<Page<ScheduledMessage>> {
  const query = scheduledIn(chat.app, { chat: chat.number, by: by.id }).limit(SCHEDULED_IN_CHAT_MAX);
  const found = await within(READ_MS_MAX, query.get());
  if (found.empty) await readAccessible(deps, chat, by);
  const data = found.docs.map((document) => scheduledView(document.id, storedScheduled(document)));
  return { data, hasMore: false, next: null, prev: null };
}

interface ScheduledAddress {
  readonly chat: ChatHandle;
  readonly id: string;
  readonly by: Principal;
}

/**
 * Gives a scheduled message another text or time, until it is sent; one that has failed is scheduled anew by
 * a time. Idempotent. 1 read, 1 commit with 1 write, and 1 task for a time.
 * @throws AppError `not_found`, `invalid_request`, `conflict` once it is being sent
 */
export async function changeScheduled(
  deps: ScheduleDeps,
  address: ScheduledAddress,
  { text, sendAt }: ScheduledChange,
): Promise<ScheduledMessage> {
  const { app } = address.chat;
  const ref = scheduledRef(app, address.id);
  if (sendAt !== undefined) demandTime(deps, sendAt);
  const next = await decideOn(deps.firestore, ref, (stored, transaction) => {
    const open = demandOpen(stored, address);
    const at = sendAt === undefined ? undefined : Timestamp.fromMillis(Date.parse(sendAt));
    const isMoved = at !== undefined && (open.status === "failed" || !at.isEqual(open.sendAt));
    const { reason: _reason, expireAt: _expireAt, ...kept } = open;
    const changed: StoredScheduled = {
      ...(isMoved ? kept : open),
      ...(text === undefined ? {} : { draft: { ...open.draft, text } }),
      ...(isMoved ? { sendAt: at, dueAt: at, version: open.version + 1, status: "scheduled" } : {}),
    };
    transaction.set(ref, { ...changed });
    return changed;
  });
  await enqueueScheduled(deps, app, address.id, next);
  return scheduledView(address.id, next);
}

/**
 * Takes a scheduled message back, until it is sent. Idempotent. 1 read, 1 commit with 1 write and 1 more for
 * each file; its task then finds nothing to do.
 * @throws AppError `not_found`, `conflict` once it is being sent
 */
export async function cancelScheduled(deps: ChatDeps, address: ScheduledAddress): Promise<void> {
  const ref = scheduledRef(address.chat.app, address.id);
  await decideOn(deps.firestore, ref, (stored, transaction) => {
    if (stored?.status === "cancelled" && isTheirs(stored, address)) return;
    const { files } = demandOpen(stored, address).draft;
    const at = Timestamp.fromMillis(deps.clock.now());
    letGoForLater(transaction, address.chat.app, address.id, { files, at });
    transaction.update(ref, {
      status: "cancelled",
      open: false,
      dueAt: null,
      draft: {},
      reason: FieldValue.delete(),
      expireAt: Timestamp.fromMillis(deps.clock.now() + SCHEDULED_KEPT_MS),
    });
  });
}

const isTheirs = ({ createdBy, chat }: StoredScheduled, address: ScheduledAddress): boolean =>
  createdBy === address.by.id && chat === address.chat.number;

function demandOpen(stored: StoredScheduled | undefined, address: ScheduledAddress): StoredScheduled {
  if (stored === undefined || !isTheirs(stored, address) || stored.status === "cancelled") {
    throw new AppError("not_found", "There is no such scheduled message.");
  }
  if (stored.status === "sending" || stored.status === "sent") {
    throw new AppError("conflict", "The message is being sent, or has been.");
  }
  return stored;
}
