import type { App } from "../../identity/app.ts";
import type { AppHead } from "../../identity/store.ts";
import type { CollectionReference, DocumentReference } from "../../platform/firestore.ts";
import { FieldValue, type Timestamp } from "../../platform/firestore-values.ts";
import { randomId } from "../../platform/ids.ts";
import { storedAs } from "../../platform/stored.ts";

/** Numbers of chats that an instance has taken, and that have no chat yet. */
export interface PromisedNumbers {
  readonly after: number;
  readonly through: number;
  readonly at: Timestamp;
}
export const storedPromise = storedAs<PromisedNumbers>();

/** A document for each batch of new chats under way of an app in which several instances create some. */
export const promisesOf = (app: Pick<App, "collection">): CollectionReference => app.collection("numbers");

export const promiseOfNumbers = (
  app: DocumentReference,
  before: AppHead,
  next: AppHead,
): { readonly ref: DocumentReference; readonly data: object } => ({
  ref: promisesOf(app).doc(randomId()),
  data: { after: before.lastChatNumber, through: next.lastChatNumber, at: FieldValue.serverTimestamp() },
});
