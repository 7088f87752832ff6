import { storedAs } from "../platform/stored.ts";
import type { StoredMessage } from "../chat/log/message.ts";
import type { Migration } from "./migration.ts";

const storedOldMessage = storedAs<StoredMessage>();

/**
 * Messages that were deleted or hidden before unread counts left those out do not say that they are unread to
 * nobody.
 *
 * Expand: they count as unread to whoever has not read them. Contract: once this has run, the audit brings
 * the head of each chat that changes to what its messages say.
 */
export const silentMessages: Migration = {
  name: "silent-messages",
  documents: (firestore) => firestore.collectionGroup("messages"),
  change(document) {
    const message = storedOldMessage(document);
    const isSilent = message?.status === "deleted" || message?.hidden === true;
    return isSilent && message.silent === undefined ? { silent: true } : undefined;
  },
};
