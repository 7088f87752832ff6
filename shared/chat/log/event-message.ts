import type { ChatHandle } from "../chat-handle.ts";
import type { DocumentReference } from "../../platform/firestore.ts";
import type { Timestamp } from "../../platform/firestore-values.ts";
import { derivedId } from "../../platform/ids.ts";
import type { ChatEvent } from "../contract.ts";
import { messagesOf, serverTime } from "../store.ts";
import { encodeBody } from "./body.ts";
import type { ChatHead } from "./head.ts";
import type { StoredMessage } from "./message.ts";
import { withSilent } from "./silent.ts";

/**
 * What happened to a group, as a message of its own among the others: it has a number, so that everybody
 * reads it in its place, and is unread to nobody. It does not move the group in lists. One more revision and
 * one more write of the commit that makes the change.
 */
export function withEvent(
  chat: ChatHandle,
  head: ChatHead,
  { event, by, at }: { readonly event: ChatEvent; readonly by: string; readonly at: Timestamp },
): { readonly head: ChatHead; readonly create: { readonly ref: DocumentReference; readonly data: object } } {
  const number = head.lastNumber + 1;
  const revision = head.revision + 1;
  const stored: StoredMessage = {
    number,
    revision,
    createdRevision: revision,
    branch: head.activeBranch,
    parent: head.tip === 0 ? null : head.tip,
    sender: { id: by },
    role: "system",
    body: encodeBody({ text: "" }) as StoredMessage["body"],
    status: "complete",
    silent: true,
    event,
    fingerprint: "event",
    createdAt: at,
  };
  const ref = messagesOf(chat).doc(derivedId("event", chat.app.id, String(chat.number), String(number)));
  return {
    head: { ...head, revision, lastNumber: number, tip: number, silent: withSilent(head.silent, number) },
    create: { ref, data: { ...stored, changedAt: serverTime() } },
  };
}
