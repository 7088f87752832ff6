import type { App } from "../../identity/app.ts";
import type { Principal } from "../../identity/principal.ts";
import type { Deps } from "../../platform/deps.ts";
import { AppError } from "../../platform/errors.ts";
import { Timestamp } from "../../platform/firestore-values.ts";
import { keyReused } from "../../platform/head-change.ts";
import { derivedId, fingerprint, randomId } from "../../platform/ids.ts";
import { tryEnqueue } from "../../platform/task.ts";
import { READ_MS_MAX, within } from "../../platform/within.ts";
import type { ChatHandle } from "../chat-handle.ts";
import type { NewMessage, ScheduledMessage } from "../contract.ts";
import type { ChatDeps } from "../log/chat-log.ts";
import { readAttachable } from "../files/attach-files.ts";
import { accessToWrite } from "../log/head.ts";
import { readAccessible } from "../read/read-messages.ts";
import { sendScheduledTask } from "../tasks.ts";
import {
  decideOn,
  keepForLater,
  scheduledBy,
  scheduledIn,
  scheduledRef,
  type StoredScheduled,
  storedScheduled,
} from "./store.ts";

/** As far ahead as Cloud Tasks takes a task. */
export const SCHEDULE_AHEAD_MS_MAX = 30 * 24 * 3600 * 1000;
/** Of one person in one chat; failed ones count until they are cancelled or expire. */
export const SCHEDULED_IN_CHAT_MAX = 50;
/** Of one person in all chats together. */
export const SCHEDULED_BY_PERSON_MAX = 200;
/** What became of it is kept as long, so that a repeated request finds it. */
export const SCHEDULED_KEPT_MS = 30 * 24 * 3600 * 1000;

export type ScheduleDeps = ChatDeps & Pick<Deps, "tasks" | "log">;

export interface Scheduling {
  readonly draft: NewMessage;
  readonly requestKey: string | undefined;
}

/**
 * Takes a message that is to be sent later, once, by a task at its time. Idempotent under `requestKey`. 2
 * reads, 2 counts, 1 commit with 1 write, 1 read and 1 write more for each file, 1 task; a task that is lost
 * is made up for by `recover-scheduled`.
 * @throws AppError `not_found`, `invalid_request`, `conflict` beyond SCHEDULED_IN_CHAT_MAX or
 * SCHEDULED_BY_PERSON_MAX, `idempotency_key_reused`
 */
export async function scheduleMessage(
  deps: ScheduleDeps,
  chat: ChatHandle,
  writer: Principal,
  { draft, requestKey }: Scheduling,
): Promise<{ scheduled: ScheduledMessage; replayed: boolean }> {
  const { app, number } = chat;
  const { sendAt = "", ...message } = draft;
  demandSchedulable(writer, draft);
  demandTime(deps, sendAt);
  accessToWrite(await readAccessible(deps, chat, writer), writer);
  const { ref, print } = proofOf(chat, writer, { draft, requestKey });
  await readAttachable(deps, app, writer, { own: draft.files ?? [], forwarded: [] });
  const at = Timestamp.fromMillis(Date.parse(sendAt));
  const fresh: StoredScheduled = {
    chat: number,
    createdBy: writer.id,
    draft: message,
    sendAt: at,
    version: 1,
    status: "scheduled",
    open: true,
    dueAt: at,
    fingerprint: print,
    createdAt: Timestamp.fromMillis(deps.clock.now()),
  };
  const { stored, replayed } = await decideOn(deps.firestore, ref, async (existing, transaction) => {
    if (existing !== undefined) {
      if (existing.fingerprint !== print) throw keyReused();
      return { stored: existing, replayed: true };
    }
    const [ofChat, ofPerson] = await Promise.all([
      transaction.get(scheduledIn(app, { chat: number, by: writer.id }).count()),
      transaction.get(scheduledBy(app, writer.id).count()),
    ]);
    if (ofChat.data().count >= SCHEDULED_IN_CHAT_MAX || ofPerson.data().count >= SCHEDULED_BY_PERSON_MAX) {
      throw new AppError("conflict", "No more messages can be scheduled; send or cancel some first.");
    }
    transaction.create(ref, { ...fresh });
    keepForLater(transaction, app, ref.id, draft.files);
    return { stored: fresh, replayed: false };
  });
  await enqueueScheduled(deps, app, ref.id, stored);
  // A repetition is answered as the first request was, whatever has become of it since.
  return { scheduled: scheduledView(ref.id, { ...stored, draft: message, sendAt: at }), replayed };
}

/** What a request scheduled, as it was then; undefined when it scheduled nothing. 1 read. */
export async function recallScheduled(
  chat: ChatHandle,
  writer: Principal,
  { draft, requestKey }: { readonly draft: NewMessage; readonly requestKey: string },
): Promise<ScheduledMessage | undefined> {
  const { ref, print } = proofOf(chat, writer, { draft, requestKey });
  const stored = storedScheduled(await within(READ_MS_MAX, ref.get()));
  if (stored === undefined) return undefined;
  if (stored.fingerprint !== print) throw keyReused();
  const { sendAt = "", ...message } = draft;
  return scheduledView(ref.id, {
    ...stored,
    draft: message,
    sendAt: Timestamp.fromMillis(Date.parse(sendAt)),
  });
}

const proofOf = ({ app, number }: ChatHandle, { id }: Principal, { draft, requestKey }: Scheduling) => ({
  ref: scheduledRef(
    app,
    requestKey === undefined ? randomId() : derivedId("scheduled", app.id, String(number), id, requestKey),
  ),
  print: fingerprint(JSON.stringify(draft)),
});

/** Named after the message and how often it was given a time: asking twice is one task. */
export async function enqueueScheduled(
  deps: Pick<Deps, "tasks" | "clock" | "log">,
  app: App,
  id: string,
  { version, dueAt }: Pick<StoredScheduled, "version" | "dueAt">,
): Promise<void> {
  if (dueAt === null) return;
  const payload = { app: app.id, id, version };
  await tryEnqueue(deps, sendScheduledTask, payload, {
    occasion: "at its time",
    notBefore: dueAt.toMillis(),
  });
}

/** @throws AppError `invalid_request` */
export function demandTime({ clock }: Pick<ChatDeps, "clock">, sendAt: string): void {
  const ahead = Date.parse(sendAt) - clock.now();
  if (ahead > 0 && ahead <= SCHEDULE_AHEAD_MS_MAX) return;
  const days = SCHEDULE_AHEAD_MS_MAX / (24 * 3600 * 1000);
  throw notValid([{ path: "sendAt", message: `must lie ahead, at most ${days} days` }]);
}

function demandSchedulable({ kind }: Principal, draft: NewMessage): void {
  const errors = [
    ...(["after", "sender", "role"] as const)
      .filter((path) => draft[path] !== undefined)
      .map((path) => ({ path, message: "is not taken with sendAt" })),
    ...(kind === "person" ? [] : [{ path: "sendAt", message: "is for people" }]),
  ];
  if (errors.length > 0) throw notValid(errors);
}

const notValid = (errors: readonly { path: string; message: string }[]): AppError =>
  new AppError("invalid_request", "Some fields are not valid; see errors.", { errors: [...errors] });

export function scheduledView(id: string, stored: StoredScheduled): ScheduledMessage {
  const { text, replyTo, forwardOf, files, metadata } = stored.draft;
  return {
    id,
    chat: stored.chat,
    ...(text === undefined ? {} : { text }),
    ...(replyTo === undefined ? {} : { replyTo }),
    ...(forwardOf === undefined ? {} : { forwardOf }),
    ...(files === undefined ? {} : { files }),
    ...(metadata === undefined ? {} : { metadata }),
    sendAt: stored.sendAt.toDate().toISOString(),
    status: stored.status,
    ...(stored.reason === undefined ? {} : { reason: stored.reason }),
    createdAt: stored.createdAt.toDate().toISOString(),
  };
}
