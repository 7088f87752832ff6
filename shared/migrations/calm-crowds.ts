import { isSignal } from "../chat/store.ts";
import { changeStamp } from "../chat/log/chat-log.ts";
import type { ChatHead } from "../chat/log/head.ts";
import { storedAs } from "../platform/stored.ts";
import type { Migration } from "./migration.ts";

const storedOldHead = storedAs<ChatHead>();

/**
 * Each message of a crowd moved index entries for all of its members (decision 24).
 *
 * Expand: crowds are read in both forms, and older ones keep theirs. Once no older code serves, this brings
 * them into the new form. Contract: when this has run, no crowd has the old form.
 */
export const calmCrowds: Migration = {
  name: "calm-crowds",
  documents: (firestore) => firestore.collectionGroup("chats"),
  change(document) {
    const head = storedOldHead(document);
    if (head === undefined || isSignal(document.id) || head.status === "deleted") return undefined;
    if (!head.isCrowd || head.latestAt != null) return undefined;
    const times = { latestAt: head.updatedAt };
    // Its changes are looked for elsewhere from now on, so the last of them is taken for new.
    return { ...times, ...changeStamp({ number: head.number, ...times }) };
  },
};
