import type { ChatHead } from "../chat/log/head.ts";
import { isSignal } from "../chat/store.ts";
import type { StoredUser } from "../identity/store.ts";
import { storedAs } from "../platform/stored.ts";
import { nameKeysOf } from "../words/name-keys.ts";
import type { Migration } from "./migration.ts";

const storedOldUser = storedAs<StoredUser>();
const storedOldHead = storedAs<ChatHead>();

/**
 * People from before names were found by keys have none.
 *
 * Expand: whoever has no keys is in every list, and is found by no search. Contract: once this has run,
 * everybody is found.
 */
export const userNameKeys: Migration = {
  name: "user-name-keys",
  documents: (firestore) => firestore.collectionGroup("users"),
  change(document) {
    const user = storedOldUser(document);
    if (user === undefined || (user.nameKeys !== undefined && user.emailKeys !== undefined)) return undefined;
    return { nameKeys: nameKeysOf(user.name), emailKeys: nameKeysOf(user.email) };
  },
};

/** The same of chats with a title: direct ones are found by their people. */
export const chatNameKeys: Migration = {
  name: "chat-name-keys",
  documents: (firestore) => firestore.collectionGroup("chats"),
  change(document) {
    const head = storedOldHead(document);
    if (head === undefined || isSignal(document.id) || head.status === "deleted") return undefined;
    if (head.nameKeys !== undefined || head.temporary) return undefined;
    return { nameKeys: nameKeysOf(head.title) };
  },
};
