import { type ChatHandle, chatHandle } from "../chat/chat-handle.ts";
import { storedAs } from "../platform/stored.ts";
import { type Body, decodeBody, encodeBody } from "../chat/log/body.ts";
import type { PathRange } from "../chat/branches/branch.ts";
import type { Followers } from "../chat/upkeep/catch-up.ts";
import type { StoredMessage } from "../chat/log/message.ts";
import type { CollectionReference, DocumentReference } from "../platform/firestore.ts";
import { Timestamp } from "../platform/firestore-values.ts";
import { derivedId } from "../platform/ids.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";

/**
 * What was said on the way to a message, in short. Written once, and deleted when something in it is edited
 * or deleted.
 */
export interface StoredSummary {
  /** The branch of the last message that is in it. */
  readonly branch: string;
  /** The number of that message. */
  readonly upTo: number;
  readonly body: Body;
  readonly at: Timestamp;
}
export const storedSummary = storedAs<StoredSummary>();

export interface Summary {
  readonly upTo: number;
  readonly text: string;
}

/** Summaries of other branches that may lie between; with more of them the history begins later. */
const CANDIDATES_MAX = 5;

export const summariesOf = (chat: ChatHandle): CollectionReference => chat.ref.collection("summaries");

export const summaryRef = (chat: ChatHandle, branch: string, upTo: number): DocumentReference =>
  summariesOf(chat).doc(derivedId("summary", branch, String(upTo)));

/** The longest summary of what lies on a path before a message. One query, up to CANDIDATES_MAX reads. */
export async function readSummary(
  chat: ChatHandle,
  path: readonly PathRange[],
  before: number,
): Promise<Summary | undefined> {
  const query = summariesOf(chat).where("upTo", "<", before).orderBy("upTo", "desc").limit(CANDIDATES_MAX);
  for (const document of (await within(READ_MS_MAX, query.get())).docs) {
    const { branch, upTo, body } = storedSummary(document);
    const isOnPath = path.some((part) => part.branch === branch && part.after < upTo && upTo <= part.through);
    if (isOnPath) return { upTo, text: decodeBody(body).text };
  }
  return undefined;
}

export const newSummary = (branch: string, upTo: number, text: string, nowMs: number): StoredSummary => ({
  branch,
  upTo,
  body: encodeBody({ text }) as Body,
  at: Timestamp.fromMillis(nowMs),
});

/** Keeps a chat's summaries in step with its changes, and deletes them with the chat. */
export const summaryFollower: Followers = {
  changed: (app, { kind, number }, messages, { revision }) =>
    kind === "assistant" ? forgetSummaries(chatHandle(app, number), messages, revision) : Promise.resolve(),
  purged: (app, { number }) => deleteSummaries(chatHandle(app, number)),
};

/**
 * Deletes the summaries that hold what has been edited or deleted since a revision; they are made again when
 * they are needed. Nothing when nothing was; else 1 query, and a read and a delete for each.
 */
async function forgetSummaries(
  chat: ChatHandle,
  messages: readonly StoredMessage[],
  sinceRevision: number,
): Promise<void> {
  const numbers = messages
    .filter(({ createdRevision, editedAt, status }) => {
      const isOld = createdRevision <= sinceRevision;
      return isOld && (editedAt !== undefined || status === "deleted");
    })
    .map(({ number }) => number);
  if (numbers.length > 0) await deleteSummaries(chat, Math.min(...numbers));
}

/** Of a chat, from a message's number on. */
async function deleteSummaries(chat: ChatHandle, from = 0): Promise<void> {
  const found = await within(READ_MS_MAX, summariesOf(chat).where("upTo", ">=", from).select().get());
  await Promise.all(found.docs.map(({ ref }) => within(READ_MS_MAX, ref.delete())));
}
