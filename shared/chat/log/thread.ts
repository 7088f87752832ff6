import type { ChatHandle } from "../chat-handle.ts";
import type { DocumentReference } from "../../platform/firestore.ts";
import { FieldValue, type Timestamp } from "../../platform/firestore-values.ts";
import { messagesOf, serverTime } from "../store.ts";
import type { Author } from "./body.ts";
import type { ChatHead } from "./head.ts";
import type { StoredMessage, StoredReplies, ThreadRoot } from "./message.ts";

/**
 * Replies gather under the message that the first of them replied to: its thread. That message counts them
 * and knows the latest, in the commit of the reply itself: one revision and one write more. Counts commute,
 * so replies at once share a commit as other messages do.
 */
interface RootChange {
  readonly head: ChatHead;
  readonly update: {
    readonly ref: DocumentReference;
    readonly fields: readonly (readonly [string, unknown])[];
  };
}

function changeRoot(
  chat: ChatHandle,
  head: ChatHead,
  { id }: ThreadRoot,
  fields: readonly (readonly [string, unknown])[],
): RootChange {
  const revision = head.revision + 1;
  return {
    head: { ...head, revision },
    update: {
      ref: messagesOf(chat).doc(id),
      fields: [...fields, ["revision", revision], ["changedAt", serverTime()]],
    },
  };
}

interface Reply {
  readonly number: number;
  readonly sender: Author;
  readonly createdAt: Timestamp;
}

const latestOf = ({ number, sender, createdAt }: Reply): StoredReplies["latest"] => ({
  number,
  sender,
  createdAt,
});

/** The head and the thread's first message with one more reply. */
export const withReply = (head: ChatHead, chat: ChatHandle, reply: Reply, root: ThreadRoot): RootChange =>
  changeRoot(chat, head, root, [
    ["replies.count", FieldValue.increment(1)],
    ["replies.latest", latestOf(reply)],
  ]);

/** The same when a reply has been deleted; `latest` is the newest of those that are left. */
export const withoutReply = (
  head: ChatHead,
  chat: ChatHandle,
  root: ThreadRoot,
  latest: StoredMessage | undefined,
): RootChange =>
  changeRoot(chat, head, root, [
    ["replies.count", FieldValue.increment(-1)],
    ["replies.latest", latest === undefined ? null : latestOf(latest)],
  ]);
