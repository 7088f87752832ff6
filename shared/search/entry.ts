import { wholeText } from "../chat/log/body.ts";
import type { ChatHead } from "../chat/log/head.ts";
import type { StoredMessage } from "../chat/log/message.ts";
import type { Timestamp } from "../platform/firestore-values.ts";
import { foldText } from "../words/fold.ts";
import { gramsOf, singlesOf } from "../words/grams.ts";
import { spellingsOf } from "./spelling.ts";

type Marked = Readonly<Record<string, true>>;

/**
 * What a message is found by. There is one entry for each message, deleted ones and answers in the making
 * included, so that they can be counted; those have neither text nor grams. Maps have a key for each thing
 * that a query may join on.
 */
export interface StoredEntry {
  readonly chat: number;
  readonly number: number;
  /** Of the message, when the entry was made from it. */
  readonly revision: number;
  /** The message's document. */
  readonly message: string;
  /** A person's id, or a model's name. */
  readonly sender: string;
  readonly at: Timestamp;
  /** As it was written. */
  readonly text: string;
  /** Grams; only those of one character where there are too many. */
  readonly g: Marked;
  /** Spellings. */
  readonly d: Marked;
  /** Members of the chat; empty in crowds. */
  readonly m: Marked;
  /** Tags of the chat, each behind a "#". */
  readonly tags: Marked;
  /** The grams of more than one character were too many. */
  readonly wide?: true;
}

/**
 * Grams and spellings of one entry. Each is an index entry of up to INDEX_ENTRY_BYTES, of which Firestore
 * allows 40,000 and 8 MiB a document; a text of 32,000 characters in any language has fewer than this, random
 * characters have more.
 */
export const ENTRY_KEYS_MAX = 30_000;
/**
 * Of a single-field index: two document names, the field's name, its value and 32 bytes, as Firestore counts.
 */
export const INDEX_ENTRY_BYTES = 220;

const TIME_MAX = 10 ** 13;
const TIME_DIGITS = 9;
const RADIX = 32;

/** The beginning of an entry's id: later times sort first. Of a fixed width until the year 2286. */
export const timeKey = (ms: number): string =>
  (TIME_MAX - Math.min(TIME_MAX, Math.max(0, Math.trunc(ms)))).toString(RADIX).padStart(TIME_DIGITS, "0");

export const entryId = (
  chat: number,
  { number, createdAt }: Pick<StoredMessage, "number" | "createdAt">,
): string => `${timeKey(createdAt.toMillis())}.${chat}.${number}`;

/** Whether a message says something, and all of it. */
const isWhole = ({ status }: StoredMessage): boolean => status === "complete" || status === "stopped";

export const senderOf = ({ sender }: Pick<StoredMessage, "sender">): string =>
  "id" in sender ? sender.id : sender.model;

/** What a tag is called in a map: names that begin with two underscores are Firestore's own. */
export const tagKey = (tag: string): string => `#${tag}`;

const marked = (keys: Iterable<string>): Marked =>
  Object.fromEntries([...keys].map((key) => [key, true as const]));

/** Pure: the entry of a message in a chat. */
export function entryOf(head: ChatHead, id: string, message: StoredMessage): StoredEntry {
  // A temporary chat is not searched; its entries only keep the count.
  const text = isWhole(message) && !head.temporary ? wholeText(message.body) : "";
  const folded = foldText(text);
  const grams = gramsOf(folded);
  const spellings = spellingsOf(folded);
  const isWide = grams.size + spellings.size > ENTRY_KEYS_MAX;
  const isFound = text !== "";
  return {
    chat: head.number,
    number: message.number,
    revision: message.revision,
    message: id,
    sender: isFound ? senderOf(message) : "",
    at: message.createdAt,
    text,
    g: marked(isWide ? singlesOf(folded) : grams),
    d: marked(isWide ? [] : spellings),
    m: marked(isFound && !head.isCrowd ? head.members : []),
    tags: marked(isFound ? head.tags.map(tagKey) : []),
    ...(isWide ? { wide: true as const } : {}),
  };
}

/** About what an entry takes in a commit, its index entries included, which Firestore counts there too. */
export function entryBytes({ text, g, d, m, tags }: StoredEntry): number {
  const keys = [g, d, m, tags].reduce((sum, map) => sum + Object.keys(map).length, 0);
  return text.length * 3 + (keys + 8) * INDEX_ENTRY_BYTES;
}
