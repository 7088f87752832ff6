import { chatHandle } from "../chat/chat-handle.ts";
import { storedAs } from "../platform/stored.ts";
import type { ChatHead } from "../chat/log/head.ts";
import { type StoredMessage, storedMessage } from "../chat/log/message.ts";
import { headOf, messagesOf } from "../chat/store.ts";
import type { App } from "../identity/app.ts";
import type {
  CollectionReference,
  DocumentReference,
  Firestore,
  Query,
  QueryDocumentSnapshot,
} from "../platform/firestore.ts";
import { FieldPath, Filter } from "../platform/firestore-values.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";
import { explainQuery, type QueryCost } from "./explain-query.ts";
import { type StoredEntry, tagKey, timeKey } from "./entry.ts";

/** The search domain's contact with Firestore. */

export const entriesOf = (app: App): CollectionReference => app.collection("search");
export const rebuildRef = (app: App, id: string): DocumentReference => app.collection("rebuilds").doc(id);

/** Disjunctions of one query, counted after it has been multiplied out; Firestore's limit. */
export const DISJUNCTIONS_MAX = 30;
/** Chats that a person's search reaches into by their numbers. */
export const BY_CHAT_MAX = 29;
/** An index query that takes longer is given up, and recent messages are searched instead. */
export const INDEX_MS_MAX = 2_000;

/**
 * Whose messages are searched: all of the app, those of some chats, or those of chats that a person is a
 * member of.
 */
export type Reach =
  | { readonly of: "app" }
  | { readonly of: "chats"; readonly chats: readonly number[] }
  | { readonly of: "member"; readonly person: string };

export interface EntryFilter {
  readonly fromMs?: number | undefined;
  readonly toMs?: number | undefined;
  readonly tag?: string | undefined;
  readonly sender?: string | undefined;
}

/**
 * Which entries are looked for: those that have all of the grams, and what one of the clauses asks for
 * besides.
 */
export interface Ways {
  readonly grams: readonly string[];
  readonly any: readonly Clause[];
}

/** What an entry has to have: keys of its maps. */
export interface Clause {
  readonly grams?: readonly string[];
  readonly spelling?: string;
  readonly isWide?: boolean;
}

/** What is read of an entry: its maps have a hundred keys, which take longer to decode than all else. */
const SHOWN = ["chat", "message", "at", "text"] as const satisfies readonly (keyof StoredEntry)[];

export interface FoundEntry {
  readonly id: string;
  readonly stored: Pick<StoredEntry, (typeof SHOWN)[number]>;
}
const storedFoundEntry = storedAs<FoundEntry["stored"]>();

/** A stretch of the entries, newest first, both ends included. */
export interface Stretch {
  readonly from: string | undefined;
  readonly until: string | undefined;
}

/** The position right behind an entry: it sorts before every greater id. */
export const behind = (id: string): string => `${id}-`;
/** Behind every id that begins like this. */
const LAST = "~";

export interface EntryQuery {
  readonly filter: EntryFilter;
  readonly ways: Ways;
  readonly limit: number;
  /** Is told what it took. */
  readonly explained?: ((cost: QueryCost) => void) | undefined;
}

/** One query, and a read for each entry. */
export async function listEntries(
  app: App,
  reach: Reach,
  { filter, ways, limit, explained }: EntryQuery,
  { from, until }: Stretch,
): Promise<FoundEntry[]> {
  const conditions = [...reachFilters(reach), ...plainFilters(filter), ...clauseFilters(ways)];
  const any = ways.any.map((clause) => Filter.and(...clauseFilters(clause)));
  let query: Query = entriesOf(app)
    .where(Filter.and(...conditions, any.length === 1 && any[0] !== undefined ? any[0] : Filter.or(...any)))
    .orderBy(FieldPath.documentId())
    .select(...SHOWN)
    .limit(limit);
  const first = greatest(from, filter.toMs === undefined ? undefined : timeKey(filter.toMs));
  const last = least(until, filter.fromMs === undefined ? undefined : timeKey(filter.fromMs) + LAST);
  if (first !== undefined && last !== undefined && first > last) return [];
  if (first !== undefined) query = query.startAt(first);
  if (last !== undefined) query = query.endAt(last);
  const asked = explained === undefined ? query.get() : explainQuery(query);
  const found = await within<{ docs: readonly QueryDocumentSnapshot[]; cost?: QueryCost }>(
    INDEX_MS_MAX,
    asked,
  );
  if (found.cost !== undefined) explained?.(found.cost);
  return found.docs.map((document) => ({ id: document.id, stored: storedFoundEntry(document) }));
}

const greatest = (a: string | undefined, b: string | undefined): string | undefined =>
  a === undefined || (b !== undefined && b > a) ? b : a;
const least = (a: string | undefined, b: string | undefined): string | undefined =>
  a === undefined || (b !== undefined && b < a) ? b : a;

const has = (map: "g" | "d" | "m" | "tags", key: string): Filter =>
  Filter.where(new FieldPath(map, key), "==", true);

function reachFilters(reach: Reach): Filter[] {
  if (reach.of === "app") return [];
  if (reach.of === "member") return [has("m", reach.person)];
  const [only, ...more] = reach.chats;
  return [more.length === 0 ? Filter.where("chat", "==", only) : Filter.where("chat", "in", reach.chats)];
}

function plainFilters({ sender, tag }: EntryFilter): Filter[] {
  return [
    ...(sender === undefined ? [] : [Filter.where("sender", "==", sender)]),
    ...(tag === undefined ? [] : [has("tags", tagKey(tag))]),
  ];
}

const clauseFilters = ({ grams = [], spelling, isWide }: Clause): Filter[] => [
  ...grams.map((gram) => has("g", gram)),
  ...(spelling === undefined ? [] : [has("d", spelling)]),
  ...(isWide === true ? [Filter.where("wide", "==", true)] : []),
];

/**
 * The chats whose messages do not name the person in the index: crowds, and those that they have joined late.
 * One query; a read for each, at most one more than BY_CHAT_MAX.
 */
export async function listByChat(app: App, person: string): Promise<number[]> {
  const isCrowd = Filter.and(
    Filter.where("members", "array-contains", person),
    Filter.where("isCrowd", "==", true),
  );
  const query = app
    .collection("chats")
    .where(Filter.or(isCrowd, Filter.where("latecomers", "array-contains", person)))
    .limit(BY_CHAT_MAX + 1);
  return (await within(INDEX_MS_MAX, query.get())).docs.map(({ id }) => Number(id));
}

export interface Checked {
  /** Undefined where the message does not exist any more. */
  readonly message: StoredMessage | undefined;
  readonly head: ChatHead | undefined;
}

/**
 * The messages that entries stand for and the heads of their chats, as they are now; a read for each, heads
 * once.
 */
export async function readChecked(
  firestore: Firestore,
  app: App,
  entries: readonly FoundEntry[],
  heads: Map<number, ChatHead | undefined>,
): Promise<Checked[]> {
  const unknown = [...new Set(entries.map(({ stored }) => stored.chat))].filter((chat) => !heads.has(chat));
  const messages = entries.map(({ stored }) => messagesOf(chatHandle(app, stored.chat)).doc(stored.message));
  const found = await within(
    READ_MS_MAX,
    firestore.getAll(...messages, ...unknown.map((chat) => chatHandle(app, chat).ref)),
  );
  for (const [index, chat] of unknown.entries()) {
    const head = found[messages.length + index];
    heads.set(chat, head && headOf(head));
  }
  return entries.map(({ stored }, index) => ({
    message: storedMessage(found[index]),
    head: heads.get(stored.chat),
  }));
}
