import type { ChatHandle } from "../chat/chat-handle.ts";
import { messageRef } from "../chat/log/append-message.ts";
import type { Principal } from "../identity/principal.ts";
import { AppError } from "../platform/errors.ts";
import { fingerprint } from "../platform/ids.ts";
import type { UiMessage, UiRequest } from "./contract.ts";
import { findById } from "./store.ts";
import { textIn } from "./ui-message.ts";

/** A person's new message: what it says, the key it is stored under, and what it follows. */
export interface PlacedMessage {
  readonly text: string;
  readonly requestKey: string;
  /** The number of the message before; undefined: what is the last by now. */
  readonly after: number | undefined;
}

/**
 * The key of a message that a client has drawn the id of. An edited one keeps its id and is another message,
 * so text and place are in it.
 */
const keyOf = ({ id }: UiMessage, text: string, before: string | undefined): string =>
  `ai-sdk ${fingerprint(JSON.stringify([id, before ?? null, text]))}`;

/**
 * Where the newest message of a client's list belongs, in a chat that the person may read: after the one
 * before it, which has to be a stored one. What else the list says is not looked at: the model is told what
 * is stored. Costs 1 read, 2 where the one before is a person's.
 * @throws AppError `invalid_request` for a list that begins otherwise than what is stored
 */
export async function placeMessage(
  chat: ChatHandle,
  principal: Principal,
  { messages, message, messageId }: UiRequest,
): Promise<PlacedMessage> {
  const list = message === undefined ? (messages ?? []) : [message];
  const newest = list.at(-1);
  if (newest === undefined) throw new AppError("invalid_request", "There is no message.");
  const at = message === undefined ? `messages.${list.length - 1}` : "message";
  const text = textIn(newest, at);
  if (message !== undefined) {
    const replaced = messageId == null ? undefined : await findById(chat, [messageId]);
    const after = replaced === undefined ? undefined : (replaced.parent ?? 0);
    return { text, requestKey: keyOf(newest, text, messageId ?? undefined), after };
  }
  const before = list.at(-2);
  const requestKey = keyOf(newest, text, before?.id);
  if (before === undefined) return { text, requestKey, after: 0 };
  const names = [before.id];
  if (before.role === "user") {
    names.push(messageRef(chat, principal, keyOf(before, textIn(before, at), list.at(-3)?.id)).id);
  }
  const found = await findById(chat, names);
  if (found === undefined) {
    throw new AppError("invalid_request", "The list of messages is not the chat's.", {
      errors: [{ path: `messages.${list.length - 2}.id`, message: "must be that of a stored message" }],
    });
  }
  return { text, requestKey, after: found.number };
}
