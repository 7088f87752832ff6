import { AppError } from "../../platform/errors.ts";
import { Timestamp } from "../../platform/firestore-values.ts";
import type { ChatHandle } from "../chat-handle.ts";
import type { ChatDeps } from "../log/chat-log.ts";
import { placed } from "../log/crowd-times.ts";
import type { ChatHead } from "../log/head.ts";

/**
 * Brings a crowd to its place in lists once it is CROWD_LISTED_MS behind, and renews until when it is looked
 * at by whoever follows their chats: so its messages need not, which would move index entries for all of its
 * members. Idempotent. 1 commit of 1 write at most once in CROWD_LISTED_MS, and 1 read; nothing for others.
 * A crowd that is too busy for it is placed after its next message.
 * @throws when Firestore fails
 */
export async function placeCrowd(deps: ChatDeps, chat: ChatHandle, head: ChatHead): Promise<void> {
  const at = Timestamp.fromMillis(deps.clock.now());
  if (head.status !== "open" || placed(head, at) === head) return;
  try {
    await deps.chatLog.chats.change<void>(chat.ref, {
      decide: (now) => ({ head: placed(now, at), create: [], bytes: 0, result: undefined }),
    });
  } catch (cause) {
    if (!(cause instanceof AppError) || cause.code !== "unavailable") throw cause;
    deps.log.warn("A crowd could not be placed in lists.", { app: chat.app.id, chat: chat.number });
  }
}
