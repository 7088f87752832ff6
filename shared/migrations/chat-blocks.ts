import { appHandle } from "../identity/app.ts";
import { type Building, buildBlocks } from "../chat/blocks/build-blocks.ts";
import { currentTail } from "../chat/blocks/store.ts";
import { chatHandle } from "../chat/chat-handle.ts";
import { CHANGES_PROGRESS, storedProgress } from "../chat/store.ts";
import type { Migration } from "./migration.ts";

/**
 * Chats from before blocks were read a message at a time.
 *
 * Expand: chats without blocks are read so. Contract: when this has run, every chat has them; what code that
 * does not know them has let fall behind meanwhile is built anew by the audit.
 */
export const chatBlocks: Migration = {
  name: "chat-blocks",
  documents: (firestore) => firestore.collectionGroup("progress"),
  change(document) {
    const progress = document.id === CHANGES_PROGRESS ? storedProgress(document) : undefined;
    if (progress === undefined || progress.revision === 0) return undefined;
    return currentTail(progress) === undefined ? {} : undefined;
  },
  async work(document, at) {
    // apps/{app}/chats/{number}/progress/changes
    const chat = document.ref.parent.parent;
    const app = chat?.parent.parent?.id;
    if (chat === null || app === undefined) return null;
    const building = at === null ? undefined : (JSON.parse(at) as Building);
    const next = await buildBlocks(
      chatHandle(appHandle(document.ref.firestore, app), Number(chat.id)),
      building,
    );
    return next === undefined ? null : JSON.stringify(next);
  },
};
