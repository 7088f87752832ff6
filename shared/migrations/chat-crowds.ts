import { isSignal } from "../chat/store.ts";
import { facetsOf } from "../chat/log/facets.ts";
import type { ChatHead } from "../chat/log/head.ts";
import { storedAs } from "../platform/stored.ts";
import type { Migration } from "./migration.ts";

type OldHead = Omit<ChatHead, "isCrowd" | "facetsRevision"> &
  Partial<Pick<ChatHead, "isCrowd" | "facetsRevision">>;
const storedOldHead = storedAs<OldHead>();

/**
 * Chats from before search did not say whether they are crowds, nor when their members last changed. Without
 * that a crowd of theirs is not searched by those who are in it.
 *
 * Expand: heads that lack the fields are taken for no crowds. Contract: when this has run, every head has
 * them.
 */
export const chatCrowds: Migration = {
  name: "chat-crowds",
  documents: (firestore) => firestore.collectionGroup("chats"),
  change(document) {
    const head = storedOldHead(document);
    if (head === undefined || isSignal(document.id) || head.status === "deleted") return undefined;
    const { isCrowd } = facetsOf(head);
    const { facetsRevision = head.settingsRevision } = head;
    const isNew = head.isCrowd === isCrowd && head.facetsRevision === facetsRevision;
    return isNew ? undefined : { isCrowd, facetsRevision };
  },
};
