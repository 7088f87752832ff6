import type { ChatHandle } from "../chat/chat-handle.ts";
import { storedMessage, type StoredMessage } from "../chat/log/message.ts";
import { messagesOf } from "../chat/store.ts";
import type { App } from "../identity/app.ts";
import type { DocumentReference } from "../platform/firestore.ts";
import { derivedId } from "../platform/ids.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";

/** This domain's contact with Firestore. */

/**
 * Which chat a client's own id stands for: a document named after the person and the id says so, for good. It
 * holds a number only, and whoever reads the chat has to be a member of it.
 */
const aliasRef = (app: App, person: string, id: string): DocumentReference =>
  app.collection("chatAliases").doc(derivedId("chat-alias", app.id, person, id));

/** The number of the chat; undefined when the id stands for none. 1 read. */
export async function readAlias(app: App, person: string, id: string): Promise<number | undefined> {
  const found = await within(READ_MS_MAX, aliasRef(app, person, id).get());
  return found.get("chat") as number | undefined;
}

/** 1 write. @throws Firestore's ALREADY_EXISTS when the id stands for a chat */
export async function createAlias(app: App, person: string, id: string, chat: number): Promise<void> {
  await within(READ_MS_MAX, aliasRef(app, person, id).create({ chat }));
}

/** What an id of ours looks like; another one names no document. */
const ID = /^[a-z0-9]{1,64}$/;

/** The stored message that one of these is the id of. A read for each. */
export async function findById(chat: ChatHandle, ids: readonly string[]): Promise<StoredMessage | undefined> {
  const refs = ids.filter((id) => ID.test(id)).map((id) => messagesOf(chat).doc(id));
  if (refs.length === 0) return undefined;
  const found = await within(READ_MS_MAX, chat.ref.firestore.getAll(...refs));
  return found.flatMap((each) => storedMessage(each) ?? [])[0];
}
