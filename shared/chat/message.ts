import type { Timestamp } from "../platform/firestore.ts";
import { decodeBody } from "./body.ts";
import type { Message } from "./contract.ts";

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
  readonly body: { readonly text: string; readonly replyTo?: number };
  readonly status: "complete" | "deleted";
  /** Who reacted with what; absent until someone did. */
  readonly reactions?: Readonly<Record<string, readonly string[]>>;
  readonly editedAt?: Timestamp;
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
    text: body.text,
    parts: stored.status === "deleted" ? [] : [{ type: "text", text: body.text }],
    status: stored.status,
    ...(body.replyTo === undefined ? {} : { replyTo: body.replyTo }),
    // A reaction may come in just after the deletion; a deleted message has none.
    reactions: stored.status === "deleted" ? {} : reactionsView(stored.reactions ?? {}),
    ...(stored.editedAt === undefined ? {} : { editedAt: stored.editedAt.toDate().toISOString() }),
    createdAt: stored.createdAt.toDate().toISOString(),
  };
}

/** Emoji that someone reacts with, in the order of their code points; one taken back by all is gone. */
function reactionsView(stored: Readonly<Record<string, readonly string[]>>): Record<string, string[]> {
  const present = Object.entries(stored).filter(([, people]) => people.length > 0);
  return Object.fromEntries(
    present.sort(([a], [b]) => (a < b ? -1 : 1)).map(([emoji, people]) => [emoji, [...people]]),
  );
}
