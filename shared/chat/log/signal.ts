import { type ChatHandle, chatHandle } from "../chat-handle.ts";
import { storedAs } from "../../platform/stored.ts";
import type { App } from "../../identity/app.ts";
import type { Principal } from "../../identity/principal.ts";
import { AppError } from "../../platform/errors.ts";
import type { DocumentReference } from "../../platform/firestore.ts";
import { FieldValue, Timestamp } from "../../platform/firestore-values.ts";
import { READ_MS_MAX, within } from "../../platform/within.ts";
import type { ChatDeps } from "./chat-log.ts";
import type { Marks } from "../contract.ts";
import type { DraftView, ownView } from "../own/own-state.ts";
import { unreadIn } from "../own/noted-unread.ts";
import { accessToWrite, type ChatHead } from "./head.ts";
import { readAccessible } from "../read/read-messages.ts";
import { readsRef } from "../store.ts";

/**
 * What a member of a chat lets the others know and no history keeps: up to where they have read, that they
 * are typing, that they are there. It moves no head. One document for each member and chat, beside the heads
 * and with the chat's number in it, so that one listener follows a chat with all its signals; see
 * docs/decisions/0009.
 */
export interface StoredSignal {
  /** The chat's; a signal to oneself has `chat` or `job` in its place. */
  readonly number: number;
  readonly chat?: number;
  readonly user: string;
  /** Whose own streams tell it too; none in a large group, where only streams of the chat do. */
  readonly members: readonly string[];
  readonly read?: number;
  readonly delivered?: number;
  readonly typingUntil?: Timestamp;
  /** The chat's last message when they began: with their next one the typing ends. */
  readonly typingAfter?: number;
  /** When a stream of theirs was opened. */
  readonly presentAt?: Timestamp;
  /** The members have lost the chat: they were removed, or it was deleted. */
  readonly left?: true;
  /** How somebody has arranged the chat, told to nobody but them. */
  readonly own?: OwnSignal;
  /** How a job of theirs stands, told to nobody but them; it is about no chat. */
  readonly job?: object & { readonly id: string };
  readonly changedAt: Timestamp;
  /** When Firestore may delete the signal; reading marks are kept in the person's own document. */
  readonly expireAt: Timestamp;
}
/** How somebody has arranged a chat; and what they have begun in one of its threads, where that is new. */
export type OwnSignal = ReturnType<typeof ownView> & {
  readonly threadDraft?: DraftView & { readonly thread: number };
};
export const storedSignal = storedAs<StoredSignal>();

export const TYPING_MS = 6_000;
/** Every member of a chat is an index entry of each signal in it. */
export const SIGNAL_MEMBERS_MAX = 50;
const SIGNAL_TTL_MS = 30 * 24 * 3600 * 1000;

const signalRef = (chat: ChatHandle, user: string): DocumentReference =>
  chat.app.collection("chats").doc(`${chat.number}.${user}`);

type Signal = Partial<
  Record<"read" | "delivered" | "typingUntil" | "typingAfter" | "presentAt", FieldValue | Timestamp | number>
>;

const signalOf = (deps: Pick<ChatDeps, "clock">, head: ChatHead, user: string, signal: Signal): object => ({
  number: head.number,
  user,
  members: head.members.length > SIGNAL_MEMBERS_MAX ? [] : head.members,
  changedAt: FieldValue.serverTimestamp(),
  expireAt: Timestamp.fromMillis(deps.clock.now() + SIGNAL_TTL_MS),
  ...signal,
});

/**
 * Tells a person's other devices how they have arranged a chat. Without a `number`, so that streams of the
 * chat do not see it.
 */
export const ownSignal = (
  { clock }: Pick<ChatDeps, "clock">,
  chat: ChatHandle,
  user: string,
  own: OwnSignal,
): { readonly ref: DocumentReference; readonly data: object } => ({
  ref: ownSignalRef(chat, user),
  data: {
    chat: chat.number,
    user,
    members: [user],
    own,
    changedAt: FieldValue.serverTimestamp(),
    expireAt: Timestamp.fromMillis(clock.now() + SIGNAL_TTL_MS),
  },
});

export const ownSignalRef = (chat: ChatHandle, user: string): DocumentReference =>
  signalRef(chat, `own-${user}`);

/** Tells a person's devices how a job of theirs stands. */
export const jobSignal = (
  { clock }: Pick<ChatDeps, "clock">,
  app: App,
  user: string,
  job: object & { readonly id: string },
): { readonly ref: DocumentReference; readonly data: object } => ({
  ref: app.collection("chats").doc(`job.${job.id}`),
  data: {
    user,
    members: [user],
    job,
    changedAt: FieldValue.serverTimestamp(),
    expireAt: Timestamp.fromMillis(clock.now() + SIGNAL_TTL_MS),
  },
});

/** Tells former members that they have lost the chat, in the commit that ends their membership. */
export const leavingSignal = (
  deps: Pick<ChatDeps, "clock">,
  app: App,
  head: ChatHead,
  people: readonly string[],
): { readonly ref: DocumentReference; readonly data: object } => {
  const name = `left-${head.revision + 1}`;
  const data = { ...signalOf(deps, head, name, {}), members: people, left: true };
  return { ref: signalRef(chatHandle(app, head.number), name), data };
};

/**
 * Marks the chat as read, or as delivered, up to a message. What is read has been delivered. Marks never move
 * back, however late a request arrives. Costs 1 read of the head and 2 writes.
 * @throws AppError `not_found`, `invalid_request` for a number that no message has
 */
export async function mark(
  deps: ChatDeps,
  chat: ChatHandle,
  principal: Principal,
  { number, delivered }: Marks,
): Promise<void> {
  const head = await readAccessible(deps, chat, principal);
  for (const [path, value = 0] of Object.entries({ number, delivered })) {
    if (value <= head.lastNumber) continue;
    throw new AppError("invalid_request", "No message has this number yet.", {
      errors: [{ path, message: "must be the number of a message of this chat" }],
    });
  }
  const marks = {
    ...(number === undefined ? {} : { read: FieldValue.maximum(number) }),
    delivered: FieldValue.maximum(Math.max(number ?? 0, delivered ?? 0)),
  };
  const batch = deps.firestore.batch();
  const isRead = number !== undefined;
  const noted = {
    delivered: marks.delivered,
    ...(isRead ? { chats: marks.read, markedUnread: FieldValue.delete() } : {}),
  };
  // What is left unread is known here; a later mark that is there already counts on from it.
  const isListed = head.members.includes(principal.id) && !head.temporary;
  const left = isRead && isListed ? unreadIn(head, principal.id, number) : undefined;
  const note = left === undefined || left.count === 0 ? FieldValue.delete() : left;
  const unread = isRead ? { unread: { [String(chat.number)]: note } } : {};
  const kept = Object.fromEntries(
    Object.entries(noted).map(([field, value]) => [field, { [String(chat.number)]: value }]),
  );
  batch.set(readsRef(chat.app, principal.id), { ...kept, ...unread }, { merge: true });
  batch.set(signalRef(chat, principal.id), signalOf(deps, head, principal.id, marks), { merge: true });
  await within(READ_MS_MAX, batch.commit());
}

/** Says that the person is typing, for TYPING_MS. Costs 1 read and 1 write. @throws AppError `not_found` */
export async function signalTyping(deps: ChatDeps, chat: ChatHandle, principal: Principal): Promise<void> {
  const head = accessToWrite(await readAccessible(deps, chat, principal), principal);
  const typingUntil = Timestamp.fromMillis(deps.clock.now() + TYPING_MS);
  const signal = { typingUntil, typingAfter: head.lastNumber };
  await writeSignal(deps, chat.app, head, { user: principal.id, signal });
}

/**
 * Says that the person is not typing any more; a message of theirs says so by itself. Costs 1 read and 1
 * write. @throws AppError `not_found`
 */
export async function signalTypingEnd(deps: ChatDeps, chat: ChatHandle, principal: Principal): Promise<void> {
  const head = accessToWrite(await readAccessible(deps, chat, principal), principal);
  // Clocks differ by some seconds, and it is to be over by all of them.
  const typingUntil = Timestamp.fromMillis(deps.clock.now() - TYPING_MS);
  await writeSignal(deps, chat.app, head, { user: principal.id, signal: { typingUntil } });
}

/** Says that the person has come, to those who have the chat open. 1 write. */
export async function signalPresent(
  deps: Pick<ChatDeps, "clock">,
  app: App,
  head: ChatHead,
  user: string,
): Promise<void> {
  await writeSignal(deps, app, head, { user, signal: { presentAt: Timestamp.fromMillis(deps.clock.now()) } });
}

async function writeSignal(
  deps: Pick<ChatDeps, "clock">,
  app: App,
  head: ChatHead,
  { user, signal }: { readonly user: string; readonly signal: Signal },
): Promise<void> {
  const ref = signalRef(chatHandle(app, head.number), user);
  await within(READ_MS_MAX, ref.set(signalOf(deps, head, user, signal), { merge: true }));
}
