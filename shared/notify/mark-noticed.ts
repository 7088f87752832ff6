import { chatHandle } from "../chat/chat-handle.ts";
import type { ChatDeps } from "../chat/log/chat-log.ts";
import { readAccessible } from "../chat/read/read-messages.ts";
import { findMessage, readsRef } from "../chat/store.ts";
import type { App } from "../identity/app.ts";
import type { Principal } from "../identity/principal.ts";
import { AppError } from "../platform/errors.ts";
import { FieldValue } from "../platform/firestore-values.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";
import type { NotificationsRead } from "./contract.ts";

/**
 * Marks notifications as read: of all messages written until that time, or until that notification's message.
 * What is marked once stays so, however late a request arrives; what is still to come is never marked. 1
 * write; 2 reads more for a notification's id.
 * @throws AppError `invalid_request` for the id of no notification
 */
export async function markNoticed(
  deps: ChatDeps,
  app: App,
  principal: Principal,
  { through }: NotificationsRead,
): Promise<void> {
  const isId = /^\d+\.\d+$/.test(through);
  const throughMs = isId ? await timeOf(deps, app, principal, through) : Date.parse(through);
  const noticedMs = FieldValue.maximum(Math.min(throughMs, deps.clock.now()));
  await within(READ_MS_MAX, readsRef(app, principal.id).set({ noticedMs }, { merge: true }));
}

async function timeOf(deps: ChatDeps, app: App, principal: Principal, id: string): Promise<number> {
  const [chat = 0, number = 0] = id.split(".").map(Number);
  const [found] = await Promise.all([
    findMessage(chatHandle(app, chat), number),
    readAccessible(deps, chatHandle(app, chat), principal).catch((cause: unknown) => {
      throw cause instanceof AppError && cause.code === "not_found" ? noSuchNotification() : cause;
    }),
  ]);
  if (found === undefined) throw noSuchNotification();
  return found.stored.createdAt.toMillis();
}

const noSuchNotification = (): AppError =>
  new AppError("invalid_request", "There is no such notification.", {
    errors: [{ path: "through", message: "must be a notification's id or a time" }],
  });
