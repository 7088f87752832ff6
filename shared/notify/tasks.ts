import { SEND_MAIL } from "../identity/tasks.ts";
import { ONLINE_MS } from "../live/presence.ts";
import { defineTask } from "../platform/task.ts";
import { NotifyMembers, UnreadMail } from "./contract.ts";

/**
 * What a round is announced by: the round before, when it is so recent, or the revision of the newest
 * message.
 */
export type RoundOccasion = { readonly lastMs: number } | { readonly revision: number };

const NOTIFY = { name: "notify-members", queue: "notifications", payload: NotifyMembers } as const;

/** Tells the members of a chat of its new messages. */
export const roundTask = defineTask<NotifyMembers, RoundOccasion>({
  ...NOTIFY,
  idOf: ({ app, chat }, occasion) => [
    ...("lastMs" in occasion
      ? ["notify-after", String(occasion.lastMs)]
      : ["notify", String(occasion.revision)]),
    app,
    String(chat),
  ],
});

/** By then whoever has closed everything when a message came does not count as online any more. */
export const LOOK_AGAIN_MS = ONLINE_MS + 5_000;

/** Looks again at the members who were online when they would have been told. */
export const lookAgainTask = defineTask<NotifyMembers>({
  ...NOTIFY,
  idOf: ({ app, chat, number }) => ["notify-again", app, String(chat), String(number)],
  delayMs: LOOK_AGAIN_MS,
});

/** Takes back what was pushed of a message that has been deleted since. */
export const withdrawTask = defineTask<NotifyMembers>({
  ...NOTIFY,
  idOf: ({ app, chat, number }) => ["notify-withdrawn", app, String(chat), String(number)],
});

/** Counts anew what is unread: one task for all that is deleted in a while. */
export const recountTask = defineTask<NotifyMembers, { readonly slot: number }>({
  ...NOTIFY,
  idOf: ({ app, chat }, { slot }) => ["notify-recount", app, String(chat), String(slot)],
});

/** How long a direct message may lie unread before it is mailed about. */
export const UNREAD_MS = 10 * 60 * 1000;

/** Mails a person about a direct message, if then they still have not read it. */
export const unreadMailTask = defineTask<UnreadMail>({
  ...SEND_MAIL,
  payload: UnreadMail,
  idOf: ({ app, chat, person, number }) => ["unread-mail", app, String(chat), person, String(number)],
  delayMs: UNREAD_MS,
});
