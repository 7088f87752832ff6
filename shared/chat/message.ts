import type { Timestamp } from "../platform/firestore.ts";
import { type Body, decodeBody, type Forward } from "./body.ts";
import type { Message, Part } from "./contract.ts";

/** A message as it is stored. */
export interface StoredMessage {
  readonly number: number;
  /** The chat's revision at this message's latest change. */
  readonly revision: number;
  /** The chat's revision when it was created. */
  readonly createdRevision: number;
  readonly branch: string;
  /** The number of the message that this one follows on its branch. */
  readonly parent: number | null;
  readonly sender: { readonly id: string };
  readonly role: "user" | "assistant" | "system" | "tool";
  readonly body: Body;
  readonly status: "complete" | "deleted";
  /** Who reacted with what; absent until someone did. */
  readonly reactions?: Readonly<Record<string, readonly string[]>>;
  readonly editedAt?: Timestamp;
  /** When it was changed last, by Firestore's clock; absent from copies. */
  readonly changedAt?: Timestamp;
  /** It came with a fork, and has been counted where it was written. */
  readonly isCopy?: true;
  /** Of the request that created it; tells a repetition from another request under the same key. */
  readonly fingerprint: string;
  readonly createdAt: Timestamp;
}

export function messageView(id: string, stored: StoredMessage): Message {
  const body = decodeBody(stored.body);
  return {
    id,
    number: stored.number,
    revision: stored.revision,
    branch: stored.branch,
    parent: stored.parent,
    sender: { id: stored.sender.id },
    role: stored.role,
    text: body.text === "" ? (body.forward?.text ?? "") : body.text,
    parts: stored.status === "deleted" ? [] : partsOf(body),
    status: stored.status,
    ...(body.quote === undefined ? {} : { replyTo: body.quote.message }),
    ...(body.forward === undefined ? {} : { forwardedFrom: originOf(body.forward) }),
    // A reaction may come in just after the deletion; a deleted message has none.
    reactions: stored.status === "deleted" ? {} : reactionsView(stored.reactions ?? {}),
    ...(stored.editedAt === undefined ? {} : { editedAt: stored.editedAt.toDate().toISOString() }),
    createdAt: stored.createdAt.toDate().toISOString(),
  };
}

const originOf = ({ chat, message, sender, createdAt }: Forward) => ({
  chat,
  message,
  sender: { id: sender.id },
  createdAt: createdAt.toDate().toISOString(),
});

function partsOf({ text, quote, forward }: Body): Part[] {
  const parts: Part[] = [];
  if (quote !== undefined) {
    parts.push({ type: "quote", message: quote.message, sender: { id: quote.sender.id }, text: quote.text });
  }
  if (forward !== undefined) parts.push({ type: "forward", ...originOf(forward), text: forward.text });
  if (text !== "") parts.push({ type: "text", text });
  return parts;
}

/** Emoji that someone reacts with, in the order of their code points; one taken back by all is gone. */
function reactionsView(stored: Readonly<Record<string, readonly string[]>>): Record<string, string[]> {
  const present = Object.entries(stored).filter(([, people]) => people.length > 0);
  return Object.fromEntries(
    present.sort(([a], [b]) => (a < b ? -1 : 1)).map(([emoji, people]) => [emoji, [...people]]),
  );
}
