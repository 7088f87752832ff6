import { chatHandle } from "../chat/chat-handle.ts";
import type { Followers } from "../chat/upkeep/catch-up.ts";
import type { ChatHead } from "../chat/log/head.ts";
import type { StoredMessage } from "../chat/log/message.ts";
import type { App } from "../identity/app.ts";
import type { Deps } from "../platform/deps.ts";
import type { Timestamp } from "../platform/firestore-values.ts";
import { enqueue } from "../platform/task.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";
import { forgetChat, tellingRef } from "./store.ts";
import type { NotifyMembers } from "./contract.ts";
import { recountTask, roundTask, withdrawTask } from "./tasks.ts";

/**
 * Rounds of a chat begin at least this far apart, and one tells of everything since the one before. The first
 * message after a pause is told of at once; a group of 500 in which 100 messages are written in a minute
 * costs two rounds of 500 people in it and not a hundred.
 */
const ROUND_MS_MIN = 2_000;
const ROUND_MS_PER_MEMBER = 60;

export const roundMs = (members: number): number => Math.max(ROUND_MS_MIN, members * ROUND_MS_PER_MEMBER);

/** Announces a changed chat to its members, and forgets a purged one. */
export const notificationFollower = (deps: Deps): Followers => ({
  changed: (app, head, messages, { revision }) =>
    announce(deps, app, head, { messages, sinceRevision: revision }),
  purged: (app, { number }) => forgetChat(deps.firestore, chatHandle(app, number)),
});

/**
 * Has the members told of new messages. Within the interval after a round all of them share one task, named
 * after that round; otherwise the task is named after the revision of the newest. So a repeated call finds it
 * there. When the message that devices show was deleted, that is taken back; when any was, what is unread is
 * counted anew. When no message is new for anyone and none is gone it costs nothing, otherwise 1 read and 1
 * to 3 tasks.
 */
async function announce(
  deps: Deps,
  app: App,
  head: ChatHead,
  {
    messages,
    sinceRevision,
  }: { readonly messages: readonly StoredMessage[]; readonly sinceRevision: number },
): Promise<void> {
  const newest = messages.findLast((message) => isNews(message, head, sinceRevision));
  const isRecounted =
    messages.some((message) => isGone(message) || message.silent === false) || isLeftAlone(head);
  if ((newest === undefined && !isRecounted) || head.status !== "open") return;
  if (isRecounted) await enqueueRecount(deps, app, head);
  const telling = await within(READ_MS_MAX, tellingRef(chatHandle(app, head.number)).get());
  const shown = telling.get("shown") as number | undefined;
  if (shown !== undefined && messages.some((message) => isGone(message) && message.number === shown)) {
    await enqueueWithdrawal(deps, app, head, shown);
  }
  if (newest === undefined) return;
  const last = telling.get("at") as Timestamp | undefined;
  await enqueueRound(deps, app, { head, lastMs: last?.toMillis() ?? 0 }, newest);
}

/** `lastMs`: when the chat's last round began. 1 task. */
export async function enqueueRound(
  deps: Deps,
  app: App,
  { head, lastMs }: { readonly head: ChatHead; readonly lastMs: number },
  { number, revision }: Pick<StoredMessage, "number" | "revision">,
): Promise<void> {
  const now = deps.clock.now();
  const interval = roundMs(head.members.length);
  // However far another instance's clock is ahead, nobody waits for longer than the interval.
  const notBefore = Math.min(lastMs + interval, now + interval);
  const options =
    notBefore > now ? { occasion: { lastMs }, notBefore } : { occasion: { revision }, notBefore: undefined };
  await enqueue(deps, roundTask, taskOf(app, head, number), options);
}

/** Has devices show what stands in place of a message that they show and that is gone. 1 task. */
export const enqueueWithdrawal = async (deps: Deps, app: App, head: ChatHead, shown: number): Promise<void> =>
  enqueue(deps, withdrawTask, { ...taskOf(app, head, shown), withdrawn: true });

/**
 * Has it counted anew what is unread to the members. All that is deleted within the time in which one round
 * may begin shares one task, at the end of it. 1 task.
 */
export async function enqueueRecount(deps: Deps, app: App, head: ChatHead): Promise<void> {
  const interval = roundMs(head.members.length);
  const slot = Math.floor(deps.clock.now() / interval);
  const task = { ...taskOf(app, head, Math.max(1, head.lastNumber)), recounts: true };
  await enqueue(deps, recountTask, task, { occasion: { slot }, notBefore: (slot + 1) * interval });
}

const taskOf = (app: App, head: ChatHead, number: number): NotifyMembers => ({
  app: app.id,
  chat: head.number,
  number,
  again: false,
  withdrawn: false,
  recounts: false,
});

/**
 * Whether one is left of a group, of which coming and going have left their events: no round comes of what
 * that one writes, by which they have read everything.
 */
const isLeftAlone = ({ kind, members, silent = [] }: ChatHead): boolean =>
  kind === "group" && members.length === 1 && silent.length > 0;

/** Nobody can read it any more. */
const isGone = ({ status, hidden }: StoredMessage): boolean => status === "deleted" || hidden === true;

/**
 * Whether the message became complete after this revision and somebody else than its sender is a member. A
 * model's answer becomes complete when it ends.
 */
function isNews(message: StoredMessage, head: ChatHead, sinceRevision: number): boolean {
  const isNew = (message.answer?.endedRevision ?? message.createdRevision) > sinceRevision;
  if (!isNew || message.status !== "complete" || message.isCopy === true || message.event !== undefined)
    return false;
  if (message.hidden === true) return false;
  return head.members.some((member) => !("id" in message.sender) || message.sender.id !== member);
}
