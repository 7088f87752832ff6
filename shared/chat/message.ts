import type { Timestamp } from "../platform/firestore.ts";
import { decodeBody } from "./body.ts";
import type { Message } from "./contract.ts";

/** A message as it is stored. */
export interface StoredMessage {
  readonly number: number;
  /** The chat's revision at this message's latest change. */
  readonly revision: number;
  readonly branch: string;
  /** The number of the message that this one follows on its branch. */
  readonly parent: number | null;
  readonly sender: { readonly id: string };
  readonly role: "user" | "assistant" | "system" | "tool";
  readonly body: { readonly text: string; readonly replyTo?: number };
  readonly status: "complete" | "deleted";
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
    parts: [{ type: "text", text: body.text }],
    status: stored.status,
    ...(body.replyTo === undefined ? {} : { replyTo: body.replyTo }),
    reactions: {},
    createdAt: stored.createdAt.toDate().toISOString(),
  };
}
