import { type ChatHandle } from "../chat/chat-handle.ts";
import type { ChatDeps } from "../chat/log/chat-log.ts";
import { noteOwn } from "../chat/own/change-own.ts";
import type { Principal } from "../identity/principal.ts";
import { AppError } from "../platform/errors.ts";
import { Timestamp } from "../platform/firestore-values.ts";
import type { Mute } from "./contract.ts";

/**
 * Nothing of the chat is pushed or mailed to this person until then; the notifications are there all the
 * same. It stands with the person's other notes, which whoever tells them of anything reads. Idempotent. 2
 * reads, 1 commit and 2 writes.
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
  const muted = untilMs === null ? null : Timestamp.fromMillis(untilMs);
  await noteOwn(deps, chat, principal, () => ({ muted }));
}

/** Idempotent. 2 reads, 1 commit and 2 writes. @throws AppError `not_found` */
export async function unmuteChat(deps: ChatDeps, chat: ChatHandle, principal: Principal): Promise<void> {
  await noteOwn(deps, chat, principal, () => ({ muted: undefined }));
}
