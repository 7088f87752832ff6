import type { App } from "../identity/app.ts";
import type { Principal } from "../identity/principal.ts";
import { AppError } from "../platform/errors.ts";
import { Timestamp } from "../platform/firestore.ts";
import type { Decision } from "../platform/head-change.ts";
import { derivedId, fingerprint, randomId } from "../platform/ids.ts";
import { encodeBody } from "./body.ts";
import type { ChatDeps } from "./chat-log.ts";
import type { Message, NewMessage } from "./contract.ts";
import { access, advance, type ChatHead, excerpt } from "./head.ts";
import { messageView, type StoredMessage } from "./message.ts";
import { chatRef, messagesOf } from "./store.ts";

/**
 * Appends a message: one commit that creates it and moves the chat's head, shared with whatever else
 * is waiting to be appended to the same chat. When it returns, the message is durable and numbered.
 *
 * Idempotent under `requestKey`, for as long as the message lives. Costs 1 commit, 2 writes and 1
 * publish; 1 read when this instance does not know the head.
 * @throws AppError `not_found`, `invalid_request`, `idempotency_key_reused`, `unavailable`
 */
export async function appendMessage(
  deps: ChatDeps,
  app: App,
  chat: number,
  sender: Principal,
  draft: NewMessage,
  requestKey: string | undefined,
): Promise<{ message: Message; replayed: boolean }> {
  const id =
    requestKey === undefined ? randomId() : derivedId("message", app.id, String(chat), sender.id, requestKey);
  const ref = messagesOf(app, chat).doc(id);
  const print = fingerprint(JSON.stringify(draft));
  const createdAt = Timestamp.fromMillis(deps.clock.now());
  const { result, replayed } = await deps.chatLog.chats.change<Message>(chatRef(app, chat), {
    decide: (head) => {
      const { next, stored } = decideAppend(access(head, sender), sender, draft, print, createdAt);
      return {
        head: next,
        create: [{ ref, data: stored }],
        bytes: draft.text.length * 3,
        result: messageView(id, stored),
      } satisfies Decision<ChatHead, Message>;
    },
    proof: {
      ref,
      fingerprint: print,
      result: (existing) => messageView(id, existing.data() as StoredMessage),
    },
  });
  return { message: result, replayed };
}

/** The rule of appending, pure: the next number, the next revision, the new latest message. */
export function decideAppend(
  head: ChatHead,
  sender: Pick<Principal, "id">,
  draft: NewMessage,
  print: string,
  createdAt: Timestamp,
): { next: ChatHead; stored: StoredMessage } {
  if (draft.replyTo !== undefined && draft.replyTo > head.lastNumber) {
    throw new AppError("invalid_request", "The message replied to does not exist.", {
      errors: [{ path: "replyTo", message: "must be the number of a message of this chat" }],
    });
  }
  const number = head.lastNumber + 1;
  const next = advance(head, createdAt, {
    lastNumber: number,
    latest: { number, sender: { id: sender.id }, text: excerpt(draft.text), createdAt },
    sent: head.members.includes(sender.id) ? { ...head.sent, [sender.id]: number } : head.sent,
  });
  const stored: StoredMessage = {
    number,
    revision: next.revision,
    createdRevision: next.revision,
    branch: head.activeBranch,
    parent: head.lastNumber === 0 ? null : head.lastNumber,
    sender: { id: sender.id },
    role: "user",
    body: encodeBody(draft) as StoredMessage["body"],
    status: "complete",
    fingerprint: print,
    createdAt,
  };
  return { next, stored };
}
