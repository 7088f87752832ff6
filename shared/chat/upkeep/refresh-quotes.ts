import { type ChatHandle } from "../chat-handle.ts";
import { Timestamp } from "../../platform/firestore-values.ts";
import { quoting } from "../log/compose-body.ts";
import type { ChatDeps } from "../log/chat-log.ts";
import { advance } from "../log/head.ts";
import type { StoredMessage } from "../log/message.ts";
import { type FoundMessage, findMessage, listReplies, serverTime } from "../store.ts";

/**
 * Brings quotes up to date: replies must not keep the text of an edited or deleted message alive. Given
 * messages that have changed, it looks at the replies to those edited or deleted, and at what new replies
 * quote, which may have been deleted while they were on their way. Idempotent.
 *
 * Costs nothing for other messages; for each edited or deleted one 1 query, for each new reply 1; for each
 * quote to be brought up to date 2 queries, 1 commit and 2 writes.
 * @throws when Firestore fails; call it again
 */
export async function refreshQuotes(
  deps: ChatDeps,
  chat: ChatHandle,
  changed: readonly StoredMessage[],
): Promise<void> {
  for (const message of changed) {
    if (message.status === "deleted" || message.editedAt !== undefined) {
      const quote = quoting(message);
      for (const reply of await listReplies(chat, message.number)) {
        if (reply.body.quote?.text !== quote.text) await refresh(deps, chat, reply.number);
      }
    }
    const { quote } = message.body;
    if (quote === undefined || message.revision !== message.createdRevision) continue;
    const original = await findMessage(chat, quote.message);
    if (original !== undefined && quoting(original.stored).text !== quote.text) {
      await refresh(deps, chat, message.number);
    }
  }
}

async function refresh(deps: ChatDeps, chat: ChatHandle, number: number): Promise<void> {
  let reply: FoundMessage | undefined;
  let original: FoundMessage | undefined;
  const at = Timestamp.fromMillis(deps.clock.now());
  await deps.chatLog.chats.change<void>(chat.ref, {
    async prepare() {
      reply = await findMessage(chat, number);
      const quoted = reply?.stored.body.quote?.message;
      original = quoted === undefined ? undefined : await findMessage(chat, quoted);
    },
    decide(head) {
      const unchanged = { head, create: [], bytes: 0, result: undefined };
      if (reply === undefined || original === undefined || head.status !== "open") return unchanged;
      const quote = quoting(original.stored);
      if (reply.stored.body.quote?.text === quote.text) return unchanged;
      const next = advance(head, at, {});
      const fields = [
        ["body.quote", quote],
        ["revision", next.revision],
        ["changedAt", serverTime()],
      ] as const;
      const update = [{ ref: reply.ref, fields, lastUpdateTime: reply.updateTime }];
      return { head: next, create: [], update, bytes: 0, result: undefined };
    },
  });
}
