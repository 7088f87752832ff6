import { type ChatHandle } from "../chat/chat-handle.ts";
import type { ChatDeps } from "../chat/log/chat-log.ts";
import { readAccessible } from "../chat/read/read-messages.ts";
import { readsRef } from "../chat/store.ts";
import type { Principal } from "../identity/principal.ts";
import { AppError } from "../platform/errors.ts";
import { FieldValue, Timestamp } from "../platform/firestore-values.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";
import type { Mute } from "./contract.ts";

/**
 * Nothing of the chat is pushed or mailed to this person until then; the notifications are there all the
 * same. It stands with the person's marks, which whoever tells them of anything reads. Idempotent. 1 read and
 * 1 write.
 * @throws AppError `not_found`, `invalid_request` for a time that has passed
 */
export async function muteChat(
  deps: ChatDeps,
  chat: ChatHandle,
  principal: Principal,
  { until }: Mute,
): Promise<void> {
  const untilMs = until === null ? null : Date.parse(until);
  if (untilMs !== null && untilMs <= deps.clock.now()) {
    throw new AppError("invalid_request", "That time has passed.", {
      errors: [{ path: "until", message: "must be a time to come, or null" }],
    });
  }
  await write(deps, chat, principal, untilMs === null ? null : Timestamp.fromMillis(untilMs));
}

/** Idempotent. 1 read and 1 write. @throws AppError `not_found` */
export async function unmuteChat(deps: ChatDeps, chat: ChatHandle, principal: Principal): Promise<void> {
  await write(deps, chat, principal, FieldValue.delete());
}

async function write(
  deps: ChatDeps,
  chat: ChatHandle,
  principal: Principal,
  muted: Timestamp | FieldValue | null,
): Promise<void> {
  await readAccessible(deps, chat, principal);
  const ref = readsRef(chat.app, principal.id);
  await within(READ_MS_MAX, ref.set({ muted: { [String(chat.number)]: muted } }, { merge: true }));
}
