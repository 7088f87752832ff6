import { AppError } from "../../platform/errors.ts";
import { FieldValue, Timestamp } from "../../platform/firestore-values.ts";
import { type Message, PINNED_MESSAGES_MAX } from "../contract.ts";
import { type FoundMessage, serverTime } from "../store.ts";
import { findChangeable, type MessageAddress } from "./change-message.ts";
import type { ChatDeps } from "./chat-log.ts";
import { accessToWrite, advanceSettings } from "./head.ts";
import { demandInGroup } from "./group-rules.ts";
import { messageView } from "./message.ts";

/**
 * Pins a message for everybody in the chat, or takes the pin off. Doing it again changes nothing. Costs 1
 * query, 1 read, 1 commit, 2 writes, 1 publish.
 * @throws AppError `not_found`, `forbidden` by the rules of the group, `conflict` for a deleted message,
 * `invalid_request` beyond PINNED_MESSAGES_MAX
 */
export async function pinMessage(
  deps: ChatDeps,
  address: MessageAddress,
  isPinned: boolean,
): Promise<Message> {
  const { chat, number, principal } = address;
  const at = Timestamp.fromMillis(deps.clock.now());
  let found: FoundMessage;
  const { result } = await deps.chatLog.chats.change<Message>(chat.ref, {
    async prepare() {
      found = await findChangeable(deps, address);
    },
    decide(head) {
      demandInGroup(accessToWrite(head, principal), principal, "pin");
      const { ref, stored, updateTime } = found;
      const before = head.pinnedMessages ?? [];
      if (before.includes(number) === isPinned) {
        return { head, create: [], bytes: 0, result: messageView(ref.id, stored) };
      }
      if (isPinned && before.length >= PINNED_MESSAGES_MAX) {
        throw new AppError("invalid_request", `A chat has at most ${PINNED_MESSAGES_MAX} pinned messages.`);
      }
      const pinnedMessages = isPinned ? [...before, number] : before.filter((one) => one !== number);
      const settled = advanceSettings(head, at, { pinnedMessages });
      // The chat's change and the message's are told by a revision each.
      const next = { ...settled, revision: settled.revision + 1 };
      const { pinned: _before, ...rest } = stored;
      const pinned = { by: principal.id, at };
      const changed = { ...rest, ...(isPinned ? { pinned } : {}), revision: next.revision };
      const fields = Object.entries({
        pinned: isPinned ? pinned : FieldValue.delete(),
        revision: next.revision,
        changedAt: serverTime(),
      });
      const update = [{ ref, fields, lastUpdateTime: updateTime }];
      return { head: next, create: [], update, bytes: 0, result: messageView(ref.id, changed) };
    },
  });
  return result;
}
