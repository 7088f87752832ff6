import type { App } from "../identity/app.ts";
import type { DocumentReference } from "../platform/firestore.ts";

/** A chat of an app, which there may be or not. Whether somebody may see it is for `access` to say. */
export interface ChatHandle {
  readonly app: App;
  readonly number: number;
  /** Of its head. */
  readonly ref: DocumentReference;
}

export const chatHandle = (app: App, number: number): ChatHandle => ({
  app,
  number,
  ref: app.collection("chats").doc(String(number)),
});
