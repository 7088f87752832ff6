import { chatHandle } from "../chat/chat-handle.ts";
import { type ChatHead, readThrough, standingBetween } from "../chat/log/head.ts";
import { headOf, readsRef } from "../chat/store.ts";
import type { App } from "../identity/app.ts";
import { TRANSACTION_MS_MAX, userRef, storedUser, storedAppHead } from "../identity/store.ts";
import type { Deps } from "../platform/deps.ts";
import { AppError } from "../platform/errors.ts";
import { Timestamp } from "../platform/firestore-values.ts";
import { derivedId } from "../platform/ids.ts";
import { type Mail, messageIdOf } from "../platform/mailer.ts";
import { enqueue } from "../platform/task.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";
import type { UnreadMail } from "./contract.ts";
import { escapeHtml } from "../platform/escape-html.ts";
import { plainName } from "./plain-name.ts";
import { isQuiet } from "./quiet-hours.ts";
import { type Mailed, type Reading, readAll, readAttention, readingOf, readReachable } from "./store.ts";
import { unreadMailTask } from "./tasks.ts";

/** One mail for each person and chat in this time. */
export const MAIL_INTERVAL_MS = 24 * 3600 * 1000;
/** A mail that was claimed and not sent may be sent by another delivery after this. */
const CLAIM_MS = 60_000;

/**
 * Has the person mailed later, if then they still have not read. 1 task; none when they have been mailed
 * today.
 */
export async function enqueueMail(deps: Deps, mail: UnreadMail, seen: Reading): Promise<void> {
  if (seen.mailed?.done === true && isToday(seen.mailed, deps.clock.now())) return;
  await enqueue(deps, unreadMailTask, mail);
}

const isToday = ({ at }: Mailed, nowMs: number): boolean => nowMs - at.toMillis() < MAIL_INTERVAL_MS;

/**
 * Mails a person that somebody has written to them, with nothing of what was written; unless by now they have
 * read it, were there, have a device, want quiet or are no member. Claimed before and noted after: a crash
 * between has it sent again, with the same Message-ID. 8 reads, 2 writes.
 * @throws AppError `unavailable` while another delivery is sending it
 */
export async function mailUnread(deps: Deps, app: App, task: UnreadMail): Promise<{ sent: boolean }> {
  const mail = await compose(deps, app, task);
  if (mail === undefined || !(await claim(deps, app, task))) return { sent: false };
  await deps.mailer.send(mail);
  const mailed: Mailed = { at: Timestamp.fromMillis(deps.clock.now()), done: true };
  await within(READ_MS_MAX, readsRef(app, task.person).update({ [`mailed.${task.chat}`]: mailed }));
  return { sent: true };
}

async function compose(deps: Deps, app: App, task: UnreadMail): Promise<Mail | undefined> {
  const { chat, person, number, writtenMs } = task;
  const [[appFound, headFound], attention, reachable] = await Promise.all([
    readAll(deps.firestore, [app.ref, chatHandle(app, chat).ref]),
    readAttention(deps.firestore, chatHandle(app, chat), [person]),
    readReachable(deps.firestore, app, [person]),
  ]);
  const appHead = storedAppHead(appFound);
  const head = headFound && headOf(headFound);
  const seen = attention.get(person);
  const user = reachable.get(person);
  if (
    appHead?.status !== "open" ||
    head === undefined ||
    seen === undefined ||
    user === undefined ||
    user.email === ""
  )
    return undefined;
  const now = deps.clock.now();
  const isOut = head.status !== "open" || !head.members.includes(person);
  // Read, or deleted: what is gone is not worth a mail.
  const isRead = standingBetween(head, readThrough(head, person, seen.read), number) === 0;
  // Whoever was there since may have left it unread, but knows of it.
  const wasThere = seen.onlineUntilMs > now || seen.lastSeenMs >= writtenMs;
  const wantsQuiet =
    seen.level === "none" || seen.mutedUntilMs > now || isQuiet(user.quietHours, user.timeZone, now);
  const isBlocked = head.members.some((member) => seen.blocked.has(member));
  if (isBlocked || isOut || isRead || wasThere || wantsQuiet || Object.keys(user.devices).length > 0)
    return undefined;
  return mailTo(
    deps,
    task,
    { to: user.email, appName: appHead.name },
    await senderName(deps, app, head, person),
  );
}

/** One read. */
async function senderName(deps: Deps, app: App, { members }: ChatHead, person: string): Promise<string> {
  const other = members.find((member) => member !== person);
  if (other === undefined) return "";
  const [found] = await readAll(deps.firestore, [userRef(app, other)]);
  return storedUser(found)?.name ?? "";
}

function mailTo(
  deps: Deps,
  task: UnreadMail,
  { to, appName }: { readonly to: string; readonly appName: string },
  sender: string,
): Mail {
  const app = plainName(appName);
  const line = `${plainName(sender) || "Somebody"} wrote to you${app === "" ? "" : ` in ${app}`}`;
  const rest = "You have not read it yet. At most one such mail a day is sent for each chat.";
  const id = derivedId("unread-mail", task.app, String(task.chat), task.person, String(task.number));
  return {
    to,
    // Whoever may write to a person must not write the subject of a mail to them.
    subject: "You have an unread message",
    text: `${line}.\n\n${rest}\n`,
    html: `<p>${escapeHtml(line)}.</p><p>${rest}</p>`,
    messageId: messageIdOf(deps.config, id),
  };
}

/**
 * Whether it is this delivery that sends. The claim stands in the person's marks, which other requests write
 * all the time, so it is no lease on their document but a transaction: 1 read, 1 write.
 */
async function claim(deps: Deps, app: App, { chat, person }: UnreadMail): Promise<boolean> {
  const ref = readsRef(app, person);
  return within(
    TRANSACTION_MS_MAX,
    deps.firestore.runTransaction(async (transaction) => {
      const { mailed } = readingOf(await transaction.get(ref), chat);
      const now = deps.clock.now();
      if (mailed?.done === true && isToday(mailed, now)) return false;
      if (mailed?.done === false && Math.abs(now - mailed.at.toMillis()) < CLAIM_MS) {
        throw new AppError("unavailable", "The mail is being sent.", { retryAfterSeconds: 1 });
      }
      const claimed: Mailed = { at: Timestamp.fromMillis(now), done: false };
      transaction.set(ref, { mailed: { [String(chat)]: claimed } }, { merge: true });
      return true;
    }),
  );
}
