import type { ChatHandle } from "../chat/chat-handle.ts";
import { messagesOf } from "../chat/store.ts";
import { readDocuments } from "../platform/firestore.ts";
import type { Timestamp } from "../platform/firestore-values.ts";
import { storedAs } from "../platform/stored.ts";
import type { ExportedMessage } from "./contract.ts";

const storedFeedback = storedAs<{
  readonly value: "up" | "down";
  readonly comment: string | null;
  readonly at: Timestamp;
}>();

/** What a person thinks of answers of a chat, by the ids of these. A read for each. */
export async function readFeedback(
  chat: ChatHandle,
  answers: readonly string[],
  person: string,
): Promise<ReadonlyMap<string, NonNullable<ExportedMessage["feedback"]>>> {
  const refs = answers.map((id) => messagesOf(chat).doc(id).collection("feedback").doc(person));
  const found = await readDocuments(refs);
  const given = new Map<string, NonNullable<ExportedMessage["feedback"]>>();
  for (const [index, id] of answers.entries()) {
    const stored = storedFeedback(found[index]);
    if (stored === undefined) continue;
    const { value, comment, at } = stored;
    const createdAt = at.toDate().toISOString();
    given.set(id, { value, ...(comment === null ? {} : { comment }), createdAt });
  }
  return given;
}
