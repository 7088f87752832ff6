import { storedAs } from "../../platform/stored.ts";
import type { Timestamp } from "../../platform/firestore-values.ts";
import type { Metadata } from "../../platform/contract.ts";
import { metadataView } from "../../platform/metadata.ts";
import { type Author, type Body, decodeBody, type Forward, textOf } from "./body.ts";
import {
  type AnswerError,
  canonicalEmoji,
  type ChatEvent,
  type FinishReason,
  type GivenFile,
  type Lane,
  type Message,
  type Part,
  type Served,
  type Usage,
} from "../contract.ts";

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
  readonly sender: Author;
  readonly role: "user" | "assistant" | "system" | "tool";
  readonly body: Body;
  readonly status: Message["status"];
  /** Of a question: the number of the answer that was queued with it. */
  readonly answeredBy?: number;
  /** Of an answer of a model. */
  readonly answer?: StoredAnswer;
  /** Who reacted with what; absent until someone did. */
  readonly reactions?: Readonly<Record<string, readonly string[]>>;
  readonly editedAt?: Timestamp;
  /** How often; absent from what was edited before this was counted. */
  readonly edits?: number;
  /** Of a reply: the message that its thread begins with. */
  readonly thread?: ThreadRoot;
  /** Of a message that has been replied to. */
  readonly replies?: StoredReplies;
  /** What happened to the group, where that is what it tells. */
  readonly event?: ChatEvent;
  readonly pinned?: { readonly by: string; readonly at: Timestamp };
  /** It is unread to nobody: it was deleted, is hidden or tells of the group. The head counts those. */
  readonly silent?: boolean;
  readonly metadata?: Metadata;
  /** What it said is withheld, and kept with a report on it. */
  readonly hidden?: true;
  /** The revision of a text that the app's hook is to judge in the background. */
  readonly toJudge?: number;
  /** When it was changed last, by Firestore's clock; absent from copies. */
  readonly changedAt?: Timestamp;
  /** Copied by a fork or brought from elsewhere: it is not counted, and no news to anybody. */
  readonly isCopy?: true;
  /** Of a message from elsewhere: when it was written there, where that is known. */
  readonly sentAt?: Timestamp;
  /** And the step of the import that brought it. */
  readonly broughtBy?: string;
  /** Of the request that created it; tells a repetition from another request under the same key. */
  readonly fingerprint: string;
  readonly createdAt: Timestamp;
}
export const storedMessage = storedAs<StoredMessage>();

export interface ThreadRoot {
  readonly number: number;
  /** The message's document. */
  readonly id: string;
}

export interface StoredReplies {
  readonly count: number;
  readonly latest: { readonly number: number; readonly sender: Author; readonly createdAt: Timestamp } | null;
}

export function messageView(id: string, stored: StoredMessage): Message {
  const body = decodeBody(stored.body);
  return {
    id,
    number: stored.number,
    revision: stored.revision,
    branch: stored.branch,
    parent: stored.parent,
    sender: stored.sender,
    role: stored.role,
    text: textOf(body),
    parts: stored.status === "deleted" ? [] : partsOf(body),
    status: stored.status,
    ...(body.quote === undefined ? {} : { replyTo: body.quote.message }),
    ...(body.forward === undefined ? {} : { forwardedFrom: originOf(body.forward) }),
    // A reaction may be stored just after the deletion, so a deleted message shows none.
    reactions: stored.status === "deleted" ? {} : reactionsView(stored.reactions),
    ...(stored.answeredBy === undefined ? {} : { answer: { number: stored.answeredBy } }),
    ...(stored.answer === undefined ? {} : answerView(stored.answer)),
    ...(stored.hidden === true ? { hidden: true } : {}),
    ...(body.thinking === undefined || stored.status === "deleted" ? {} : { thinking: body.thinking }),
    ...(stored.thread === undefined ? {} : { thread: stored.thread.number }),
    ...(stored.replies === undefined || stored.replies.count < 1
      ? {}
      : { replies: repliesView(stored.replies) }),
    ...(stored.event === undefined ? {} : { event: stored.event }),
    ...(stored.pinned === undefined
      ? {}
      : { pinned: { by: stored.pinned.by, at: stored.pinned.at.toDate().toISOString() } }),
    ...(body.files === undefined || stored.status === "deleted" ? {} : { files: [...body.files] }),
    ...(body.mentions === undefined || stored.status === "deleted" ? {} : { mentions: [...body.mentions] }),
    // As a reaction, so with metadata.
    ...(stored.status === "deleted" || stored.hidden === true ? {} : metadataView(stored.metadata)),
    ...(stored.editedAt === undefined ? {} : { editedAt: stored.editedAt.toDate().toISOString() }),
    ...(stored.sentAt === undefined ? {} : { sentAt: stored.sentAt.toDate().toISOString() }),
    createdAt: stored.createdAt.toDate().toISOString(),
  };
}

const repliesView = ({ count, latest }: StoredReplies) => ({
  count,
  ...(latest === null ? {} : { latest: { ...latest, createdAt: latest.createdAt.toDate().toISOString() } }),
});

/** How an answer is coming along, and what it took. */
export interface StoredAnswer {
  /** Counts attempts; what an attempt writes is void once there is a later one. */
  readonly epoch: number;
  readonly lane: Lane;
  /** Who asked. */
  readonly asker: string;
  /** Until when the attempt under way is trusted to be alive; null once the answer is finished. */
  readonly leaseUntil: Timestamp | null;
  /** Somebody wants it to end. */
  readonly stop?: true;
  readonly usage?: Usage;
  readonly served?: Served;
  readonly finishReason?: FinishReason;
  readonly error?: AnswerError;
  readonly given?: readonly GivenFile[];
  /** What attempts have cost that came to nothing; it is part of the usage in the end. */
  readonly lost?: LostUsage;
  /** How often it has been put off because models failed. */
  readonly delays?: number;
  /** As the chat had them when the question was asked. */
  readonly instructions?: string;
  readonly temperature?: number;
  /** Attempts so far; an attempt has several epochs when it goes from one model to another. */
  readonly attempts?: number;
  /** The epoch whose attempt has ended without an answer. */
  readonly left?: number;
  /** What the classifier found in the question. */
  readonly language?: string;
  /** Versions that are being compared by this answer. */
  readonly trials?: readonly StoredTrial[];
  /** The day whose budgets hold what it may cost. */
  readonly heldDay?: string;
  /** The chat's revision when it was finished. */
  readonly endedRevision?: number;
}

/** Which side of a rollout's comparison an answer is on. */
export interface StoredTrial {
  /** The rollout's. */
  readonly name: string;
  readonly trial: {
    readonly number: number;
    readonly percent: number;
    readonly arm: "stable" | "candidate";
  };
  /** Of a version that ran in the shadow: whether its result differs. */
  readonly differs?: boolean;
}

/** Tokens and money of calls whose answers did not last. */
export interface LostUsage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly costMicros: number;
}

const answerView = ({ usage, served, finishReason, error, given }: StoredAnswer) => ({
  ...(usage === undefined ? {} : { usage }),
  ...(served === undefined ? {} : { served }),
  ...(finishReason === undefined ? {} : { finishReason }),
  ...(error === undefined ? {} : { error }),
  ...(given === undefined ? {} : { given: [...given] }),
});

const originOf = ({ chat, message, sender, createdAt }: Forward) => ({
  chat,
  message,
  sender,
  createdAt: createdAt.toDate().toISOString(),
});

function partsOf({ text, quote, forward, files = [] }: Body): Part[] {
  const parts: Part[] = [];
  if (quote !== undefined) {
    parts.push({ type: "quote", message: quote.message, sender: quote.sender, text: quote.text });
  }
  for (let each = forward; each !== undefined; each = each.of) {
    parts.push({ type: "forward", ...originOf(each), text: each.text });
  }
  if (text !== "") parts.push({ type: "text", text });
  for (const { id, type } of files) {
    parts.push({ type: SHOWN_AS_IMAGE.test(type) ? "image" : "file", file: id });
  }
  return parts;
}

/** Drawings are not shown: they may hold scripts. */
const SHOWN_AS_IMAGE = /^image\/(?!svg)/;

/** Who reacts with what. Older reactions may stand under other forms of the same emoji. */
export function reactionsOf(stored: StoredMessage["reactions"] = {}): Map<string, readonly string[]> {
  const merged = new Map<string, readonly string[]>();
  for (const [form, people] of Object.entries(stored)) {
    if (people.length === 0) continue;
    const emoji = canonicalEmoji(form) ?? form;
    merged.set(emoji, [...new Set([...(merged.get(emoji) ?? []), ...people])]);
  }
  return merged;
}

/** The emoji that somebody reacts with, in the order of their code points. */
const reactionsView = (stored: StoredMessage["reactions"]): Record<string, string[]> =>
  Object.fromEntries(
    [...reactionsOf(stored)]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([emoji, people]) => [emoji, [...people]]),
  );
