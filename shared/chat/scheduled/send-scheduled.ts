import type { App } from "../../identity/app.ts";
import { rightsOf, holds } from "../../identity/permissions.ts";
import type { Principal } from "../../identity/principal.ts";
import { readDocument, storedUser, userRef } from "../../identity/store.ts";
import type { Deps } from "../../platform/deps.ts";
import { AppError } from "../../platform/errors.ts";
import { Timestamp } from "../../platform/firestore-values.ts";
import { type ChatHandle, chatHandle } from "../chat-handle.ts";
import type { Message, NewMessage, ScheduledReason } from "../contract.ts";
import { recallMessage } from "../log/append-message.ts";
import { headOf, readHead } from "../store.ts";
import type { SendScheduled } from "../tasks.ts";
import { SCHEDULED_KEPT_MS } from "./schedule-message.ts";
import { decideOn, letGoForLater, scheduledRef, type StoredScheduled } from "./store.ts";

/** Appends what was scheduled as if its writer had sent it now. */
export type AppendScheduled = (
  chat: ChatHandle,
  writer: Principal,
  request: { readonly draft: NewMessage; readonly requestKey: string },
) => Promise<Message>;

type SendDeps = Pick<Deps, "firestore" | "clock">;

/** What came of one delivery. */
export interface Delivered {
  readonly outcome: "sent" | "failed" | "nothing";
  readonly reason?: ScheduledReason;
}

/**
 * Sends a scheduled message, once whatever happens: the claim decides between sending and a change that comes
 * at the same moment, and the message is named after the scheduled one, so whoever sends it again after a
 * death in between finds it there. What can't be sent is kept as failed, with the reason. 3 reads, 2 commits
 * with 1 write each, 1 more for each file, and what appending costs.
 * @throws what may pass: the delivery is repeated then
 */
export async function sendScheduled(
  deps: SendDeps,
  app: App,
  { id, version }: Pick<SendScheduled, "id" | "version">,
  append: AppendScheduled,
): Promise<Delivered> {
  const claimed = await claim(deps, app, { id, version });
  if (claimed === undefined) return { outcome: "nothing" };
  const delivered = await deliver(app, id, claimed, append);
  const ref = scheduledRef(app, id);
  const expireAt = Timestamp.fromMillis(deps.clock.now() + SCHEDULED_KEPT_MS);
  await decideOn(deps.firestore, ref, (stored, transaction) => {
    // Another delivery may have settled it, and its writer have scheduled it anew since.
    if (stored?.status !== "sending" || stored.version !== claimed.version) return;
    const settled = { status: delivered.outcome, dueAt: null, expireAt };
    if (delivered.outcome === "failed") transaction.update(ref, { ...settled, reason: delivered.reason });
    else {
      const { files } = stored.draft;
      const at = Timestamp.fromMillis(deps.clock.now());
      letGoForLater(transaction, app, id, { files, at });
      transaction.update(ref, { ...settled, open: false, draft: {} });
    }
  });
  return delivered;
}

/** Whoever comes second claims it too, as the first may have died. */
const claim = (
  { firestore, clock }: SendDeps,
  app: App,
  { id, version }: Pick<SendScheduled, "id" | "version">,
): Promise<StoredScheduled | undefined> => {
  const ref = scheduledRef(app, id);
  return decideOn(firestore, ref, (stored, transaction) => {
    if (stored === undefined || stored.dueAt === null) return undefined;
    // Its own task is right about the time, whatever this clock says; that of an earlier time may be early.
    if (stored.version !== version && stored.dueAt.toMillis() > clock.now()) return undefined;
    if (stored.status === "scheduled") transaction.update(ref, { status: "sending" });
    return stored;
  });
};

async function deliver(
  app: App,
  id: string,
  { chat: number, createdBy, createdAt, draft }: StoredScheduled,
  append: AppendScheduled,
): Promise<Delivered> {
  const chat = chatHandle(app, number);
  const { data: user } = await readDocument(userRef(app, createdBy), storedUser);
  const role = user?.role ?? "viewer";
  const writer: Principal = { id: createdBy, kind: "person", role, scopes: rightsOf(role) };
  // No header can carry it, so no request of the person's own has the same. An id may come back once what was
  // scheduled under it has expired.
  const requestKey = `\u0000scheduled ${id} ${createdAt.toMillis()}`;
  const request = { draft: draft as NewMessage, requestKey };
  try {
    if (user === undefined || user.status !== undefined) return failed("account_ended");
    if (!holds(writer, "message:write")) return failed("not_allowed");
    await append(chat, writer, request);
    return { outcome: "sent" };
  } catch (cause) {
    const reason = await reasonOf(cause, chat);
    if (reason === undefined) throw cause;
    // It may have been sent by a delivery before this one.
    return (await recallMessage(chat, writer, request)) === undefined ? failed(reason) : { outcome: "sent" };
  }
}

const failed = (reason: ScheduledReason): Delivered => ({ outcome: "failed", reason });

/** Why it will never be sent; undefined for what may pass. 1 read where it is not found. */
async function reasonOf(cause: unknown, chat: ChatHandle): Promise<ScheduledReason | undefined> {
  if (!(cause instanceof AppError)) return undefined;
  switch (cause.code) {
    case "not_found": {
      // Whoever was removed and whoever is blocked are told the same.
      const isGone = headOf(await readHead(chat))?.status !== "open";
      return isGone ? "chat_gone" : "not_allowed";
    }
    case "forbidden":
      return "not_allowed";
    case "message_refused":
      return "refused";
    case "invalid_request":
    case "conflict":
      return "invalid";
    default:
      return undefined;
  }
}
