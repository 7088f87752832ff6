import { type ChatHandle } from "../chat/chat-handle.ts";
import { storedAs } from "../platform/stored.ts";
import type { NotificationLevel } from "../chat/contract.ts";
import type { Unread } from "../chat/own/noted-unread.ts";
import { blocksIn, noteUnread, readsRef } from "../chat/store.ts";
import type { App } from "../identity/app.ts";
import type { QuietHours } from "../identity/contract.ts";
import { userRef, storedUser } from "../identity/store.ts";
import type {
  DocumentReference,
  DocumentSnapshot,
  Firestore,
  Query,
  WriteBatch,
} from "../platform/firestore.ts";
import { FieldPath, FieldValue, type Timestamp } from "../platform/firestore-values.ts";
import { derivedId } from "../platform/ids.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";

/**
 * That a person has messages of a chat to be told of: one document for all that were written in a while, and
 * nothing of what they say. What a notification shows is read from the messages themselves, by who may read
 * them then.
 */
export interface StoredNotification {
  readonly user: string;
  readonly chat: number;
  readonly from: number;
  readonly through: number;
  /** When the last of them was written. */
  readonly at: Timestamp;
  readonly expireAt: Timestamp;
}
export const storedNotification = storedAs<StoredNotification>();

/** How far the members of a chat have been told of its messages. */
export interface Telling {
  /** Everything up to this message has been told. */
  readonly number: number;
  /** When the last round began. */
  readonly at: Timestamp;
  /** Who was online and had not read, with the first message that they may have missed. */
  readonly waiting: Readonly<Record<string, number>>;
  /** The message that was pushed last: devices show it, unless it has been read there. */
  readonly shown?: number;
  /** The round under way. */
  readonly claim: Claim | null;
}
export const storedTelling = storedAs<Telling>();

export interface Claim {
  /** The task that does it. */
  readonly by: string;
  readonly through: number;
  /** When message `through` was written. */
  readonly messageAt: Timestamp;
  /** Whoever had it has given it up before the end. */
  readonly isFree: boolean;
  /** `person.device` that have been pushed to in this round. */
  readonly sent: readonly string[];
}

export interface StoredDevice {
  readonly token: string;
  /** Of the person who registered it; it is pushed to as long as that lasts. */
  readonly session: string | null;
  readonly platform: string | null;
  readonly at: Timestamp;
}

/** The devices of a person, by id. */
export interface StoredDevices {
  readonly devices: Readonly<Record<string, StoredDevice>>;
}
export const storedDevices = storedAs<StoredDevices>();

export const tellingRef = (chat: ChatHandle): DocumentReference =>
  chat.ref.collection("progress").doc("notifications");
export const devicesRef = (app: App, person: string): DocumentReference =>
  app.collection("devices").doc(person);
/** Whose device a token is, named by the token's hash. */
export const pushTokenRef = (app: App, token: string): DocumentReference =>
  app.collection("pushTokens").doc(derivedId("push-token", app.id, token));
/** The same round tells the same person in the same document, however often it is tried. */
export const notificationRef = (chat: ChatHandle, person: string, through: number): DocumentReference =>
  chat.app
    .collection("notifications")
    .doc(derivedId("notification", chat.app.id, person, String(chat.number), String(through)));

/** People whose documents are read in one call. */
export const PEOPLE_AT_ONCE = 100;

/** What a person's one document of marks says of a chat. */
export interface Reading {
  /** The last message read. */
  readonly read: number;
  /** Messages until then have been seen in the list of notifications. */
  readonly noticedMs: number;
  /** In milliseconds since the epoch; Infinity: until it is taken back; 0: not. */
  readonly mutedUntilMs: number;
  /** What of the chat they want to be pushed and mailed. */
  readonly level: NotificationLevel;
  /** Whom the person wants to hear nothing of. */
  readonly blocked: { has(person: string): boolean; readonly size: number };
  /** When a mail about the chat was sent last, or is being sent. */
  readonly mailed: Mailed | undefined;
  /** What was unread when it was noted last. */
  readonly noted: Unread | undefined;
}

export interface Mailed {
  readonly at: Timestamp;
  /** It has been sent for sure. */
  readonly done: boolean;
}

export function readingOf(reads: DocumentSnapshot | undefined, chat: number): Reading {
  const field = (name: string): unknown =>
    (reads?.get(name) as Record<string, unknown> | undefined)?.[String(chat)];
  const muted = field("muted") as Timestamp | null | undefined;
  return {
    read: (field("chats") as number | undefined) ?? 0,
    noticedMs: (reads?.get("noticedMs") as number | undefined) ?? 0,
    mutedUntilMs: muted === undefined ? 0 : (muted?.toMillis() ?? Number.POSITIVE_INFINITY),
    level: (field("levels") as NotificationLevel | undefined) ?? "all",
    blocked: blocksIn(reads),
    mailed: field("mailed") as Mailed | undefined,
    noted: field("unread") as Unread | undefined,
  };
}

/** One read for each person. */
export async function readReadings(
  firestore: Firestore,
  chat: ChatHandle,
  people: readonly string[],
): Promise<Map<string, Reading>> {
  const found = await readAll(
    firestore,
    people.map((person) => readsRef(chat.app, person)),
  );
  return new Map(people.map((person, index) => [person, readingOf(found[index], chat.number)]));
}

export interface Presence {
  readonly onlineUntilMs: number;
  readonly lastSeenMs: number;
}

const presenceOf = (found: DocumentSnapshot | undefined): Presence => ({
  onlineUntilMs: (found?.get("onlineUntil") as Timestamp | undefined)?.toMillis() ?? 0,
  lastSeenMs: (found?.get("lastSeenAt") as Timestamp | undefined)?.toMillis() ?? 0,
});

/** One read. */
export async function readPresence(firestore: Firestore, app: App, person: string): Promise<Presence> {
  const [found] = await readAll(firestore, [app.collection("presence").doc(person)]);
  return presenceOf(found);
}

/** Two reads for each person. */
export async function readAttention(
  firestore: Firestore,
  chat: ChatHandle,
  people: readonly string[],
): Promise<Map<string, Reading & Presence>> {
  const refs = people.flatMap((person) => [
    readsRef(chat.app, person),
    chat.app.collection("presence").doc(person),
  ]);
  const found = await readAll(firestore, refs);
  return new Map(
    people.map((person, index) => [
      person,
      { ...readingOf(found[2 * index], chat.number), ...presenceOf(found[2 * index + 1]) },
    ]),
  );
}

export interface Reachable {
  readonly devices: Readonly<Record<string, StoredDevice>>;
  readonly quietHours: QuietHours | null;
  readonly timeZone: string;
  /** Sessions begun until then have been ended. */
  readonly sessionsValidAfterMs: number;
  readonly email: string;
}

/** Two reads for each person; those without an account are left out. */
export async function readReachable(
  firestore: Firestore,
  app: App,
  people: readonly string[],
): Promise<Map<string, Reachable>> {
  const refs = people.flatMap((person) => [devicesRef(app, person), userRef(app, person)]);
  const found = await readAll(firestore, refs);
  return new Map(
    people.flatMap((person, index) => {
      const user = storedUser(found[2 * index + 1]);
      if (user === undefined || user.status !== undefined) return [];
      const devices = storedDevices(found[2 * index])?.devices ?? {};
      const { quietHours = null, timeZone, email } = user;
      const sessionsValidAfterMs = user.sessionsValidAfter?.toMillis() ?? 0;
      return [[person, { devices, quietHours, timeZone, email, sessionsValidAfterMs }] as const];
    }),
  );
}

/** What of a chat is unread to somebody. */
export interface UnreadNote {
  readonly person: string;
  readonly unread: Unread;
}

/** 1 write for each. */
export function addNotes(batch: WriteBatch, chat: ChatHandle, notes: readonly UnreadNote[]): void {
  for (const { person, unread } of notes) noteUnread(batch, chat, person, unread);
}

/** The same in a commit of their own. */
export async function writeNotes(chat: ChatHandle, notes: readonly UnreadNote[]): Promise<void> {
  if (notes.length === 0) return;
  const batch = chat.ref.firestore.batch();
  addNotes(batch, chat, notes);
  await within(READ_MS_MAX, batch.commit());
}

/** Nothing of the chat is unread to these people any more. 1 write for each. */
export async function forgetUnread(chat: ChatHandle, people: readonly string[]): Promise<void> {
  if (people.length === 0) return;
  const batch = chat.ref.firestore.batch();
  const gone = { unread: { [String(chat.number)]: FieldValue.delete() } };
  for (const person of people) batch.set(readsRef(chat.app, person), gone, { merge: true });
  await within(READ_MS_MAX, batch.commit());
}

/** A read for each. */
export async function readAll(
  firestore: Firestore,
  refs: readonly DocumentReference[],
): Promise<DocumentSnapshot[]> {
  return refs.length === 0 ? [] : within(READ_MS_MAX, firestore.getAll(...refs));
}

/** A person's notifications, the latest first. */
export const notificationsOf = (app: App, person: string): Query =>
  app
    .collection("notifications")
    .where("user", "==", person)
    .orderBy("at", "desc")
    .orderBy(FieldPath.documentId(), "desc");

const DELETES_MAX = 300;

/** Removes what is left of a chat that is no more: a query, and a delete for each document. Idempotent. */
export async function forgetChat(firestore: Firestore, chat: ChatHandle): Promise<void> {
  await within(READ_MS_MAX, tellingRef(chat).delete());
  await forgetNotifications(firestore, chat.app.collection("notifications").where("chat", "==", chat.number));
}

/** A query for each DELETES_MAX, and a delete for each document. */
export async function forgetNotifications(firestore: Firestore, of: Query): Promise<void> {
  const query = of.select().limit(DELETES_MAX);
  for (;;) {
    const found = await within(READ_MS_MAX, query.get());
    if (found.empty) return;
    const batch = firestore.batch();
    for (const document of found.docs) batch.delete(document.ref);
    await within(READ_MS_MAX, batch.commit());
  }
}
