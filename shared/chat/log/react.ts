import { AppError } from "../../platform/errors.ts";
import { FieldPath, FieldValue, Timestamp } from "../../platform/firestore-values.ts";
import { canonicalEmoji, type Message, REACTIONS_MAX } from "../contract.ts";
import { type FoundMessage, serverTime } from "../store.ts";
import { findChangeable, type MessageAddress } from "./change-message.ts";
import type { ChatDeps } from "./chat-log.ts";
import { accessToWrite, advance } from "./head.ts";
import { messageView, reactionsOf } from "./message.ts";

/**
 * Adds or takes back one person's reaction. Doing it again changes nothing and moves nothing.
 * Costs 1 query, 1 read, 1 commit, 2 writes, 1 publish.
 * @throws AppError `not_found`, `conflict` for a deleted message, `invalid_request` beyond REACTIONS_MAX
 * emoji
 */
export async function react(
  deps: ChatDeps,
  address: MessageAddress,
  emoji: string,
  present: boolean,
): Promise<Message> {
  const { chat, principal } = address;
  const at = Timestamp.fromMillis(deps.clock.now());
  let found: FoundMessage;
  const { result } = await deps.chatLog.chats.change<Message>(chat.ref, {
    // On condition that the message is still the one read, so that the result is the message as it then is.
    async prepare() {
      found = await findChangeable(deps, address);
    },
    decide(head) {
      accessToWrite(head, principal);
      const { ref, stored, updateTime } = found;
      const reactions = reactionsOf(stored.reactions);
      const people = reactions.get(emoji) ?? [];
      if (people.includes(principal.id) === present) {
        return { head, create: [], bytes: 0, result: messageView(ref.id, stored) };
      }
      if (present && people.length === 0 && reactions.size >= REACTIONS_MAX) {
        throw new AppError("invalid_request", `A message takes at most ${REACTIONS_MAX} different emoji.`);
      }
      const next = advance(head, at, {});
      const wanted = present ? [...people, principal.id] : people.filter((id) => id !== principal.id);
      if (wanted.length === 0) reactions.delete(emoji);
      else reactions.set(emoji, wanted);
      const changed = { ...stored, reactions: Object.fromEntries(reactions), revision: next.revision };
      const forms = Object.keys(stored.reactions ?? {}).filter(
        (form) => form !== emoji && (canonicalEmoji(form) ?? form) === emoji,
      );
      const fields = [
        ["revision", next.revision],
        ["changedAt", serverTime()],
        [new FieldPath("reactions", emoji), wanted.length === 0 ? FieldValue.delete() : wanted],
        ...forms.map((form) => [new FieldPath("reactions", form), FieldValue.delete()] as const),
      ] as const;
      const update = [{ ref, fields, lastUpdateTime: updateTime }];
      return { head: next, create: [], update, bytes: 0, result: messageView(ref.id, changed) };
    },
  });
  return result;
}
