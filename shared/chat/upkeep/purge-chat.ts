import { blocksOf } from "../blocks/store.ts";
import { chatHandle } from "../chat-handle.ts";
import type { App } from "../../identity/app.ts";
import type { Firestore, Query } from "../../platform/firestore.ts";
import { FieldPath, FieldValue } from "../../platform/firestore-values.ts";
import { READ_MS_MAX, within } from "../../platform/within.ts";
import type { ChatHead } from "../log/head.ts";
import { ownSignalRef } from "../log/signal.ts";
import { NOTE_FIELDS } from "../own/own-state.ts";
import { scheduledOfChat } from "../scheduled/store.ts";
import { branchesOf, deleteMessages, draftRef, isSignal, readsRef, threadDraftsRef } from "../store.ts";

/** Documents, or people, whose removal is one commit: at most three writes for each. */
const PAGE = 150;

/**
 * Removes what a deleted chat has left: messages, edits, branches, blocks, signals, what is scheduled there,
 * and the marks of those who were members. What stays is the number, which is never given again, and that it
 * was deleted. Idempotent; cut short, it is done again from the beginning. Costs a read and a delete for each
 * document, and a write and two deletes for each member.
 * @throws when Firestore fails; call it again
 */
export async function purgeChat(firestore: Firestore, app: App, head: ChatHead): Promise<void> {
  const chat = head.number;
  while ((await deleteMessages(firestore, chatHandle(app, chat), PAGE)) > 0);
  await deleteFound(firestore, branchesOf(chatHandle(app, chat)).select("number"));
  await deleteFound(firestore, blocksOf(chatHandle(app, chat)).select("count"));
  await deleteFound(firestore, app.collection("chats").where("number", "==", chat), isSignal);
  await deleteFound(firestore, scheduledOfChat(app, chat));
  const { leavers = [] } = head;
  for (let from = 0; from < leavers.length; from += PAGE) {
    const batch = firestore.batch();
    for (const person of leavers.slice(from, from + PAGE)) {
      const gone = Object.fromEntries(MARKS.map((kind) => [kind, { [String(chat)]: FieldValue.delete() }]));
      batch.set(readsRef(app, person), gone, { merge: true });
      batch.delete(draftRef(chatHandle(app, chat), person));
      batch.delete(threadDraftsRef(chatHandle(app, chat), person));
      batch.delete(ownSignalRef(chatHandle(app, chat), person));
    }
    await within(READ_MS_MAX, batch.commit());
  }
  if (leavers.length > 0) await within(READ_MS_MAX, chatHandle(app, chat).ref.update({ leavers: [] }));
}

/** What a person's document of marks says of a chat. */
const MARKS = ["chats", "delivered", "mailed", "unread", "threads", ...Object.values(NOTE_FIELDS)];

async function deleteFound(
  firestore: Firestore,
  query: Query,
  isOne: (id: string) => boolean = () => true,
): Promise<void> {
  let next = query.orderBy(FieldPath.documentId()).limit(PAGE);
  for (;;) {
    const found = await within(READ_MS_MAX, next.get());
    const last = found.docs.at(-1);
    if (last === undefined) return;
    const batch = firestore.batch();
    for (const document of found.docs) if (isOne(document.id)) batch.delete(document.ref);
    await within(READ_MS_MAX, batch.commit());
    next = next.startAfter(last);
  }
}
