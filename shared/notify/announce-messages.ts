import type { Followers } from "../chat/catch-up.ts";
import type { ChatHead } from "../chat/head.ts";
import type { StoredMessage } from "../chat/message.ts";
import type { App } from "../identity/app.ts";
import type { Deps } from "../platform/deps.ts";
import type { Timestamp } from "../platform/firestore.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";
import type { NotifyMembers } from "./contract.ts";
import { forgetChat, tellingRef } from "./store.ts";

export const NOTIFICATIONS_QUEUE = "notifications";
export const NOTIFY_FUNCTION = "notify-members";

/**
 * Rounds of a chat begin at least this far apart, and one tells of everything since the one before. The first message
 * after a pause is told of at once; a group of 500 in which 100 messages are written in a minute costs two rounds of 500
 * people in it and not a hundred.
 */
const ROUND_MS_MIN = 2_000;
const ROUND_MS_PER_MEMBER = 60;

export const roundMs = (members: number): number => Math.max(ROUND_MS_MIN, members * ROUND_MS_PER_MEMBER);

/** What notifications do when a chat has changed, or is no more. */
export const notificationFollower = (deps: Deps): Followers => ({
  changed: (app, head, messages, sinceRevision) => announce(deps, app, head, messages, sinceRevision),
  purged: (app, { number }) => forgetChat(deps.firestore, app, number),
});

/**
 * Has the members told of new messages. The task is named after the revision of the newest, so a repeated call finds it
 * there. When no message is new for anyone it costs nothing, otherwise 1 read and 1 task.
 */
async function announce(
  deps: Deps,
  app: App,
  head: ChatHead,
  messages: readonly StoredMessage[],
  sinceRevision: number,
): Promise<void> {
  const newest = messages.findLast((message) => isNews(message, head, sinceRevision));
  if (newest === undefined || head.status !== "open") return;
  const last = (await within(READ_MS_MAX, tellingRef(app, head.number).get())).get("at") as
    | Timestamp
    | undefined;
  const now = deps.clock.now();
  const interval = roundMs(head.members.length);
  // However far another instance's clock is ahead, nobody waits for longer than the interval.
  const notBefore = Math.min((last?.toMillis() ?? 0) + interval, now + interval);
  const payload: NotifyMembers = { app: app.id, chat: head.number, number: newest.number, again: false };
  await deps.tasks.enqueue({
    queue: NOTIFICATIONS_QUEUE,
    function: NOTIFY_FUNCTION,
    id: ["notify", app.id, String(head.number), String(newest.revision)],
    payload,
    ...(notBefore > now ? { notBefore } : {}),
  });
}

/** Whole for the first time, and there is somebody who has not written it. A model's answer is whole later than it is new. */
function isNews(message: StoredMessage, head: ChatHead, sinceRevision: number): boolean {
  const isNew = message.createdRevision > sinceRevision || message.role === "assistant";
  if (!isNew || message.status !== "complete" || message.isCopy === true) return false;
  return head.members.some((member) => !("id" in message.sender) || message.sender.id !== member);
}
