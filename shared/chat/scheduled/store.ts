import { fileRef } from "../../files/store.ts";
import type { App } from "../../identity/app.ts";
import { TRANSACTION_MS_MAX } from "../../identity/store.ts";
import type { DocumentReference, Firestore, Query, Transaction } from "../../platform/firestore.ts";
import { FieldValue, Timestamp } from "../../platform/firestore-values.ts";
import { storedAs } from "../../platform/stored.ts";
import { within } from "../../platform/within.ts";
import type { NewMessage, ScheduledReason } from "../contract.ts";

/** A message that is to be sent at its time. */
export interface StoredScheduled {
  readonly chat: number;
  /** Whose it is. */
  readonly createdBy: string;
  /** What is to be sent; nothing once it has been, or was cancelled. */
  readonly draft: Partial<NewMessage>;
  readonly sendAt: Timestamp;
  /** Counts the times that it was given: each has a task of its own. */
  readonly version: number;
  /**
   * It is changed and cancelled while it is `scheduled` or `failed`, and claimed for sending by `sending`:
   * whichever transaction comes first decides.
   */
  readonly status: "scheduled" | "sending" | "sent" | "failed" | "cancelled";
  /** Whether it stands in its writer's list: it is neither sent nor cancelled. */
  readonly open: boolean;
  /** When it is to be sent; null once there is nothing to be done. By this lost ones are found. */
  readonly dueAt: Timestamp | null;
  readonly reason?: ScheduledReason;
  /** Of the request; tells a repetition from another request under the same key. */
  readonly fingerprint: string;
  readonly createdAt: Timestamp;
  readonly expireAt?: Timestamp;
}
export const storedScheduled = storedAs<StoredScheduled>();

export const scheduledRef = (app: App, id: string): DocumentReference => app.collection("scheduled").doc(id);

/** What somebody has scheduled in a chat and is still to be sent, or has failed; the earliest first. */
export const scheduledIn = (app: App, { chat, by }: { readonly chat: number; readonly by: string }): Query =>
  app
    .collection("scheduled")
    .where("createdBy", "==", by)
    .where("chat", "==", chat)
    .where("open", "==", true)
    .orderBy("sendAt");

export const scheduledBy = (app: App, by: string): Query =>
  app.collection("scheduled").where("createdBy", "==", by).where("open", "==", true);

/** All that people have scheduled in a chat, whatever has become of it; without its fields. */
export const scheduledOfChat = (app: App, chat: number): Query =>
  app.collection("scheduled").where("chat", "==", chat).select();

/** What is still to be done although its time has passed, over all apps. */
export const overdue = (firestore: Firestore, beforeMs: number): Query =>
  firestore.collectionGroup("scheduled").where("dueAt", "<", Timestamp.fromMillis(beforeMs)).orderBy("dueAt");

/** One transaction on one scheduled message. */
export const decideOn = <T>(
  firestore: Firestore,
  ref: DocumentReference,
  decide: (stored: StoredScheduled | undefined, transaction: Transaction) => T | Promise<T>,
): Promise<T> =>
  within(
    TRANSACTION_MS_MAX,
    firestore.runTransaction(async (transaction) =>
      decide(storedScheduled(await transaction.get(ref)), transaction),
    ),
  );

/**
 * Files are kept for a message that is to be sent later. One write for each.
 * @throws what Firestore throws for a file that has gone since it was read
 */
export function keepForLater(
  transaction: Transaction,
  app: App,
  scheduled: string,
  files: readonly string[] = [],
): void {
  for (const id of files) {
    transaction.update(fileRef(app, id), { scheduled: FieldValue.arrayUnion(scheduled) });
  }
}

/** They are not any more: it was sent, and holds them itself, or was taken back. One write for each. */
export function letGoForLater(
  transaction: Transaction,
  app: App,
  scheduled: string,
  { files = [], at }: { readonly files: readonly string[] | undefined; readonly at: Timestamp },
): void {
  for (const id of files) {
    const gone = { scheduled: FieldValue.arrayRemove(scheduled), released: true, dueAt: at };
    transaction.set(fileRef(app, id), gone, { merge: true });
  }
}
