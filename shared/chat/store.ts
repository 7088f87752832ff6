import { type ChatHandle, chatHandle } from "./chat-handle.ts";
import { storedAs } from "../platform/stored.ts";
import type { App } from "../identity/app.ts";
import {
  type CollectionReference,
  type DocumentReference,
  type DocumentSnapshot,
  type Firestore,
  type Query,
  readDocument,
  readDocuments,
  type WriteBatch,
} from "../platform/firestore.ts";
import { FieldPath, FieldValue, Timestamp } from "../platform/firestore-values.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";
import type { Advanced } from "./blocks/advance-blocks.ts";
import type { Tail } from "./blocks/store.ts";
import type { StoredBranch } from "./branches/branch.ts";
import { changedAtOf } from "./log/crowd-times.ts";
import type { ChatHead } from "./log/head.ts";
import type { Unread } from "./own/noted-unread.ts";
import type { Archived, Draft, OwnState } from "./own/own-state.ts";
import { letGoOf } from "./files/attach-files.ts";
import type { Body } from "./log/body.ts";
import { type StoredMessage, storedMessage, type ThreadRoot } from "./log/message.ts";
import { type Addition, type Counted, usageAddition } from "./usage.ts";

/**
 * The chat domain's only contact with Firestore besides the head log: long because it is the only one, each
 * function by itself.
 */

export const messagesOf = (chat: ChatHandle): CollectionReference => chat.ref.collection("messages");
export const branchesOf = (chat: ChatHandle): CollectionReference => chat.ref.collection("branches");
/** Where, beside other progress, it says up to where changes are handled. */
export const CHANGES_PROGRESS = "changes";
export const progressRef = (chat: ChatHandle): DocumentReference =>
  chat.ref.collection("progress").doc(CHANGES_PROGRESS);
/** What a person has read, over all chats: one document, so that a list of chats costs one more read. */
export const readsRef = (app: App, personId: string): DocumentReference =>
  app.collection("reads").doc(personId);

/** One read. */
export async function readHead(chat: ChatHandle): Promise<DocumentSnapshot> {
  return readDocument(chat.ref);
}

export const headOf = storedAs<ChatHead>();

/** Two reads in one call: the head, and what the person has noted of the chat. */
export async function readHeadAndOwn(
  chat: ChatHandle,
  personId: string,
): Promise<{ snapshot: DocumentSnapshot; own: OwnState }> {
  const [snapshot, reads] = await readDocuments([chat.ref, readsRef(chat.app, personId)]);
  if (snapshot === undefined) throw new Error("getAll returns every document it was asked for.");
  return { snapshot, own: ownOf(reads, chat.number) };
}

/** What a person has begun to write in a chat, where it is long. */
export const draftRef = (chat: ChatHandle, personId: string): DocumentReference =>
  chat.app.collection("drafts").doc(`${personId}.${chat.number}`);

/** The same in threads of the chat, by the message that each begins with. */
export const threadDraftsRef = (chat: ChatHandle, personId: string): DocumentReference =>
  chat.app.collection("drafts").doc(`${personId}.${chat.number}.threads`);

/** The moment of a write, by Firestore's clock. */
export const serverTime = (): FieldValue => FieldValue.serverTimestamp();

/**
 * A person's chats that changed after a moment of Firestore's clock, and what was signalled in them; and
 * crowds that may have, those at last: `changedAtOf` tells.
 */
export const chatsChangedSince = (app: App, person: string, sinceMs: number): Query =>
  app
    .collection("chats")
    .where("members", "array-contains", person)
    .where("changedAt", ">", Timestamp.fromMillis(sinceMs))
    .orderBy("changedAt");

/** Signals lie beside the heads, which are named by their number alone. */
export const isSignal = (id: string): boolean => id.includes(".");

/**
 * The heads of a person's chats that changed after a moment, the earliest first. 1 query, a read for each.
 */
export async function listChangedChats(
  app: App,
  person: string,
  { sinceMs, limit }: { readonly sinceMs: number; readonly limit: number },
): Promise<ChatHead[]> {
  const found = await within(READ_MS_MAX, chatsChangedSince(app, person, sinceMs).limit(limit).get());
  return found.docs
    .filter(({ id }) => !isSignal(id))
    .map((document) => headOf(document))
    .filter((head) => changedAtOf(head).toMillis() > sinceMs);
}

/** Sorts after every signal of a chat, and before the next head. */
const LAST_SIGNAL = "\uf8ff";

/**
 * The head of a person's next chat after one, in the order of documents' names: an order in which no chat
 * moves, whatever is written. 1 query and 1 read; 1 more for each chat that only signals are left of.
 */
export async function chatAfter(
  app: App,
  person: string,
  after: number | null,
): Promise<ChatHead | undefined> {
  const chats = app.collection("chats").where("members", "array-contains", person);
  const query = chats.orderBy(FieldPath.documentId()).limit(1);
  for (let number = after; ;) {
    const from = number === null ? query : query.startAfter(`${number}.${LAST_SIGNAL}`);
    const [found] = (await within(READ_MS_MAX, from.get())).docs;
    // What signals of no chat are called comes after all numbers.
    if (found === undefined || !/^\d/.test(found.id)) return undefined;
    if (!isSignal(found.id)) return headOf(found);
    number = Number.parseInt(found.id, 10);
  }
}

/** Up to which revision the background has handled each chat. One read for each. */
export async function readProgressOf(
  app: App,
  chats: readonly Pick<ChatHead, "number">[],
): Promise<ReadonlyMap<number, number>> {
  if (chats.length === 0) return new Map();
  const refs = chats.map(({ number }) => progressRef(chatHandle(app, number)));
  const found = await within(READ_MS_MAX, app.ref.firestore.getAll(...refs, { fieldMask: ["revision"] }));
  return new Map(chats.map(({ number }, index) => [number, storedProgress(found[index])?.revision ?? 0]));
}

/** What Firestore's clock says, in milliseconds. One query, one read. */
export async function readServerTime(app: App, person: string): Promise<number> {
  const query = app
    .collection("chats")
    .where("members", "array-contains", person)
    .orderBy("changedAt")
    .limit(1);
  return (await within(READ_MS_MAX, query.get())).readTime.toMillis();
}

/**
 * The revision of the first message that changed after a moment of Firestore's clock. One query, one read.
 */
export async function lowestRevisionSince(chat: ChatHandle, sinceMs: number): Promise<number | undefined> {
  const query = messagesOf(chat)
    .where("changedAt", ">", Timestamp.fromMillis(sinceMs))
    .orderBy("changedAt")
    .orderBy("revision")
    .limit(1);
  const [found] = (await within(READ_MS_MAX, query.get())).docs;
  return found === undefined ? undefined : storedMessage(found).revision;
}

/** A person's notes of one kind, by chat. */
const notesIn = <T>(reads: DocumentSnapshot | undefined, kind: string): Readonly<Record<string, T>> =>
  (reads?.get(kind) as Readonly<Record<string, T>> | undefined) ?? {};

const markIn = (reads: DocumentSnapshot | undefined, chat: number, kind = "chats"): number =>
  notesIn<number>(reads, kind)[String(chat)] ?? 0;

export function ownOf(reads: DocumentSnapshot | undefined, chat: number): OwnState {
  const note = <T>(kind: string): T | undefined => notesIn<T>(reads, kind)[String(chat)];
  return {
    read: markIn(reads, chat),
    muted: note<Timestamp | null>("muted"),
    archived: note<Archived | false>("archived"),
    pinned: note<number | false>("pinned"),
    level: note<OwnState["level"]>("levels"),
    markedUnread: note<boolean>("markedUnread"),
    draft: note<Draft>("drafts"),
    threadDrafts: note<OwnState["threadDrafts"]>("threadDrafts"),
  };
}

/** Whom the person has blocked, and since when. */
export const blocksIn = (reads: DocumentSnapshot | undefined): ReadonlyMap<string, Timestamp> =>
  new Map(Object.entries((reads?.get("blocked") as Record<string, Timestamp> | undefined) ?? {}));

const storedBranch = storedAs<StoredBranch>();

export interface FoundBranch {
  readonly ref: DocumentReference;
  readonly stored: StoredBranch;
  readonly updateTime: Timestamp | undefined;
}

/** One read. */
export async function readBranch(chat: ChatHandle, branch: string): Promise<FoundBranch | undefined> {
  const ref = branchesOf(chat).doc(branch);
  const found = await readDocument(ref);
  const stored = storedBranch(found);
  return stored && { ref, stored, updateTime: found.updateTime };
}

/** Where messages stand, by their documents; those that are not there are left out. A read for each. */
export async function readPlaces(
  chat: ChatHandle,
  ids: readonly string[],
): Promise<ReadonlyMap<string, Pick<StoredMessage, "number" | "branch" | "broughtBy">>> {
  if (ids.length === 0) return new Map();
  const refs = ids.map((id) => messagesOf(chat).doc(id));
  const found = await within(
    READ_MS_MAX,
    chat.ref.firestore.getAll(...refs, { fieldMask: ["number", "branch", "broughtBy"] }),
  );
  return new Map(
    found.flatMap((document) => {
      const stored = storedMessage(document);
      return stored === undefined ? [] : [[document.id, stored] as const];
    }),
  );
}

/** One query; one read for each branch, in the order in which they began. */
export async function listBranches(
  chat: ChatHandle,
  afterNumber: number,
  limit: number,
): Promise<StoredBranch[]> {
  const query = branchesOf(chat).where("number", ">", afterNumber).orderBy("number").limit(limit);
  return (await within(READ_MS_MAX, query.get())).docs.map((document) => storedBranch(document));
}

export interface MessageRange {
  /** Only messages of this branch. */
  readonly branch?: string;
  /** Numbers greater than this. */
  readonly after?: number;
  /** Numbers less than this. */
  readonly before?: number;
  readonly order: "asc" | "desc";
  readonly limit: number;
}

/** One query; one read for each message. */
export async function listMessages(
  chat: ChatHandle,
  range: MessageRange,
): Promise<{ id: string; stored: StoredMessage }[]> {
  let query = messagesOf(chat).orderBy("number", range.order).limit(range.limit);
  if (range.branch !== undefined) query = query.where("branch", "==", range.branch);
  if (range.after !== undefined) query = query.where("number", ">", range.after);
  if (range.before !== undefined) query = query.where("number", "<", range.before);
  const found = await within(READ_MS_MAX, query.get());
  return found.docs.map((document) => ({ id: document.id, stored: storedMessage(document) }));
}

export interface FoundMessage {
  readonly ref: DocumentReference;
  readonly stored: StoredMessage;
  readonly updateTime: Timestamp;
}

/** One query, one read. */
export async function findMessage(chat: ChatHandle, number: number): Promise<FoundMessage | undefined> {
  const query = messagesOf(chat).where("number", "==", number).limit(1);
  const [found] = (await within(READ_MS_MAX, query.get())).docs;
  return found === undefined
    ? undefined
    : { ref: found.ref, stored: storedMessage(found), updateTime: found.updateTime };
}

/** One query; one read for each reply that quotes the message. */
export async function listReplies(chat: ChatHandle, number: number): Promise<StoredMessage[]> {
  const query = messagesOf(chat).where("body.quote.message", "==", number);
  return (await within(READ_MS_MAX, query.get())).docs.map((document) => storedMessage(document));
}

/** The replies of a thread. */
const repliesOf = (chat: ChatHandle, root: number): Query =>
  messagesOf(chat).where("thread.number", "==", root);

/**
 * The newest reply of a thread that has not been deleted, other than one. 1 query, at most REPLIES_LOOK_MAX
 * reads.
 */
export async function latestReply(
  chat: ChatHandle,
  { number: root }: ThreadRoot,
  except: number,
): Promise<StoredMessage | undefined> {
  const query = repliesOf(chat, root).orderBy("number", "desc").limit(REPLIES_LOOK_MAX);
  const found = (await within(READ_MS_MAX, query.get())).docs.map((document) => storedMessage(document));
  return found.find(({ number, status }) => number !== except && status !== "deleted");
}

/** Replies that are looked at for one that has not been deleted. */
const REPLIES_LOOK_MAX = 20;

export interface ReplyRange {
  readonly after?: number | undefined;
  readonly before?: number | undefined;
  readonly order: "asc" | "desc";
  readonly limit: number;
}

/** One query; one read for each reply. */
export async function listThread(
  chat: ChatHandle,
  root: number,
  { after, before, order, limit }: ReplyRange,
): Promise<{ id: string; stored: StoredMessage }[]> {
  let query = repliesOf(chat, root).orderBy("number", order).limit(limit);
  if (after !== undefined) query = query.where("number", ">", after);
  if (before !== undefined) query = query.where("number", "<", before);
  const found = await within(READ_MS_MAX, query.get());
  return found.docs.map((document) => ({ id: document.id, stored: storedMessage(document) }));
}

/** How many replies of a thread come after a message. 1 count: a read for each 1000. */
export async function countReplies(chat: ChatHandle, root: number, after: number): Promise<number> {
  const query = repliesOf(chat, root).where("status", "==", "complete").where("number", ">", after);
  return (await within(READ_MS_MAX, query.count().get())).data().count;
}

const silentOf = (chat: ChatHandle): Query => messagesOf(chat).where("silent", "==", true);

/** How many messages are unread to nobody. 1 count: a read for each 1000. */
export async function countSilent(chat: ChatHandle): Promise<number> {
  return (await within(READ_MS_MAX, silentOf(chat).count().get())).data().count;
}

/** The numbers of the last of those. 1 query, a read for each. */
export async function listSilent(chat: ChatHandle, limit: number): Promise<number[]> {
  const query = silentOf(chat).orderBy("number", "desc").select("number").limit(limit);
  const found = await within(READ_MS_MAX, query.get());
  return found.docs.map((document) => Number(document.get("number")));
}

/** What a message said at one time. */
export interface StoredEdit {
  readonly text: string;
  /** The chat's revision when it was said. */
  readonly revision: number;
  readonly at: Timestamp;
  readonly fingerprint: string;
}
export const storedEdit = storedAs<StoredEdit>();

export const editsOf = (message: DocumentReference): CollectionReference => message.collection("edits");

/** One query; one read for each edit after a revision, oldest first. */
export async function listEdits(
  message: DocumentReference,
  { after = 0, limit }: { readonly after?: number; readonly limit: number },
): Promise<{ ref: DocumentReference; stored: StoredEdit }[]> {
  const page = editsOf(message).where("revision", ">", after).orderBy("revision").limit(limit);
  const found = await within(READ_MS_MAX, page.get());
  return found.docs.map((document) => ({ ref: document.ref, stored: storedEdit(document) }));
}

/** One read for each person: up to where they have read the chat, and up to where it has reached them. */
export async function readMarksOf(
  chat: ChatHandle,
  people: readonly string[],
): Promise<ReadonlyMap<string, { readonly read: number; readonly delivered: number }>> {
  const found = await readDocuments(people.map((person) => readsRef(chat.app, person)));
  return new Map(
    found.map((marks) => {
      const read = markIn(marks, chat.number);
      return [marks.id, { read, delivered: Math.max(read, markIn(marks, chat.number, "delivered")) }];
    }),
  );
}

/** Up to where a person has read a chat and one of its threads, and what they have begun there. One read. */
export async function readReadingOf(
  chat: ChatHandle,
  personId: string,
  root: number,
): Promise<{ readonly chat: number; readonly thread: number; readonly draft: Draft | undefined }> {
  const reads = await readDocument(readsRef(chat.app, personId));
  const threads = notesIn<Readonly<Record<string, number>>>(reads, "threads")[String(chat.number)];
  const { threadDrafts = {} } = ownOf(reads, chat.number);
  const draft = threadDrafts[String(root)];
  return { chat: markIn(reads, chat.number), thread: threads?.[String(root)] ?? 0, draft };
}

/** What a person has noted of their chats. */
export interface OwnStates {
  of(chat: number): OwnState;
  /** The chats that they have archived, and when the last message of each came. */
  readonly archived: readonly { readonly chat: number; readonly at: Timestamp }[];
  /** The chats that they have pinned, in their order. */
  readonly pinned: readonly number[];
  /** How many messages were unread in a chat when that was noted last, and up to which message that was. */
  readonly unread: ReadonlyMap<number, Unread>;
}

/** Notes for the list of a person's chats what is unread in one of them. 1 write. */
export function noteUnread(batch: WriteBatch, chat: ChatHandle, person: string, unread: Unread): void {
  const note = unread.count === 0 ? FieldValue.delete() : unread;
  batch.set(readsRef(chat.app, person), { unread: { [String(chat.number)]: note } }, { merge: true });
}

/** One read. */
export async function readOwnStates(app: App, personId: string): Promise<OwnStates> {
  const reads = await within(READ_MS_MAX, readsRef(app, personId).get());
  const archived = Object.entries(notesIn<Archived | false>(reads, "archived"));
  const pinned = Object.entries(notesIn<number | false>(reads, "pinned"));
  const unread = Object.entries(notesIn<Unread>(reads, "unread"));
  return {
    of: (chat) => ownOf(reads, chat),
    archived: archived.flatMap(([chat, note]) =>
      note === false ? [] : [{ chat: Number(chat), at: note.at }],
    ),
    pinned: pinned
      .flatMap(([chat, order]) => (order === false ? [] : [{ chat: Number(chat), order }]))
      .sort((a, b) => a.order - b.order || a.chat - b.chat)
      .map(({ chat }) => chat),
    unread: new Map(unread.map(([chat, note]) => [Number(chat), note])),
  };
}

/** One read for each, in the order asked for; those that do not exist are left out. */
export async function readHeads(app: App, chats: readonly number[]): Promise<ChatHead[]> {
  if (chats.length === 0) return [];
  const refs = chats.map((chat) => app.collection("chats").doc(String(chat)));
  const found = await readDocuments(refs);
  return found.flatMap((snapshot) => headOf(snapshot) ?? []);
}

/** How far the background work on a chat has come. */
export interface Progress {
  /** Everything up to this revision has been handled. */
  readonly revision: number;
  /** Messages up to this number are counted in the usage of their day. */
  readonly countedNumber: number;
  /** The newest messages together; absent until a chat has blocks. */
  readonly tail?: Tail;
  /** What the followers noted. */
  readonly [note: string]: unknown;
}
export const storedProgress = storedAs<Progress>();

/** A document that other domains keep for a message. */
export interface Companion {
  readonly ref: DocumentReference;
  readonly data: object;
  /** About what it takes in a commit, its index entries included. */
  readonly bytes: number;
}

/** Two reads in one call. */
export async function readProgress(
  chat: ChatHandle,
): Promise<{ head: ChatHead | undefined; progress: Progress; found: DocumentSnapshot }> {
  const [head, found] = await readDocuments([chat.ref, progressRef(chat)]);
  if (head === undefined || found === undefined) throw new Error("getAll returns every document.");
  const progress = storedProgress(found) ?? { revision: 0, countedNumber: 0 };
  return { head: headOf(head), progress, found };
}

/** One query: messages changed after the revision, oldest change first. */
export async function listChanged(
  chat: ChatHandle,
  afterRevision: number,
  limit: number,
): Promise<{ id: string; stored: StoredMessage }[]> {
  const query = messagesOf(chat).where("revision", ">", afterRevision).orderBy("revision").limit(limit);
  const found = await within(READ_MS_MAX, query.get());
  return found.docs.map((document) => ({ id: document.id, stored: storedMessage(document) }));
}

/** One query, without what was said; one read for each edit. */
export async function editRefs(message: DocumentReference): Promise<DocumentReference[]> {
  const found = await within(READ_MS_MAX, editsOf(message).select().get());
  return found.docs.map(({ ref }) => ref);
}

/** How the background work on a chat moves on. */
export interface ProgressStep {
  /** The progress as it was read. */
  readonly found: DocumentSnapshot;
  readonly next: Progress;
  /** Messages to be counted, by the day on which they were written. */
  readonly byDay: ReadonlyMap<string, Counted>;
  readonly companions: readonly Companion[];
  readonly additions: readonly Addition[];
  /** The chat's blocks, as this step leaves them. */
  readonly advanced: Advanced;
}

/**
 * Moves the progress, counts messages per day and writes their companions, in one commit that fails if the
 * progress is no longer the one read: so every message is counted once, whoever else is at it.
 */
export async function writeProgress(
  firestore: Firestore,
  chat: ChatHandle,
  { found, next, byDay, companions, additions, advanced }: ProgressStep,
): Promise<void> {
  const batch = firestore.batch();
  for (const { ref, data } of advanced.blocks) batch.set(ref, data);
  for (const { ref, data } of companions) batch.set(ref, data);
  for (const { ref, fields } of additions) batch.set(ref, fields, { merge: true });
  const { updateTime } = found;
  if (updateTime === undefined) batch.create(progressRef(chat), { ...next, tail: advanced.tail });
  else {
    const tail = advanced.tail ?? FieldValue.delete();
    batch.update(progressRef(chat), { ...next, tail }, { lastUpdateTime: updateTime });
  }
  for (const [day, counted] of byDay) {
    const { ref, fields } = usageAddition(chat, day, counted);
    batch.set(ref, fields, { merge: true });
  }
  await within(READ_MS_MAX, batch.commit());
}

/** What is due then is so whatever the clock says. */
const AT_ONCE = Timestamp.fromMillis(0);

/**
 * One query, one more for each edited message, a delete for each message and edit, a write for each file.
 * Returns how many messages.
 */
export async function deleteMessages(firestore: Firestore, chat: ChatHandle, limit: number): Promise<number> {
  const found = await within(
    READ_MS_MAX,
    messagesOf(chat).select("number", "editedAt", "role", "body.files").limit(limit).get(),
  );
  if (found.empty) return 0;
  const batch = firestore.batch();
  for (const document of found.docs) {
    const files = document.get("body.files") as Body["files"];
    // Merges, as the messages' own deletion does: what has gone already is removed again.
    for (const { ref, data } of letGoOf(chat, Number(document.get("number")), files, AT_ONCE)) {
      batch.set(ref, data, { merge: true });
    }
    if (document.get("editedAt") !== undefined) {
      for (const edit of await editRefs(document.ref)) batch.delete(edit);
    }
    if (document.get("role") === "assistant") {
      for (const kind of ["segments", "feedback"]) {
        const below = await within(READ_MS_MAX, document.ref.collection(kind).select().get());
        for (const each of below.docs) batch.delete(each.ref);
      }
    }
    batch.delete(document.ref);
  }
  await within(READ_MS_MAX, batch.commit());
  return found.size;
}
