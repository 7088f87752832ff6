import type { App } from "../../identity/app.ts";
import type { Principal } from "../../identity/principal.ts";
import { TRANSACTION_MS_MAX, storedUser, userRef } from "../../identity/store.ts";
import { AppError } from "../../platform/errors.ts";
import type { DocumentSnapshot, Transaction } from "../../platform/firestore.ts";
import { FieldPath, FieldValue, Timestamp } from "../../platform/firestore-values.ts";
import type { Proof } from "../../platform/head-change.ts";
import { READ_MS_MAX, within } from "../../platform/within.ts";
import { chatHandle } from "../chat-handle.ts";
import type { Block } from "../contract.ts";
import { blocksIn, readsRef } from "../store.ts";
import type { ChatDeps } from "./chat-log.ts";
import { NO_CHAT, pairProof } from "./pair.ts";
import type { ChatHead } from "./head.ts";

/** They stand in the person's one document of marks, which the background reads with everything it tells. */
export const BLOCKS_MAX = 500;

/**
 * Blocks somebody: they open no direct chat with the person and write nothing in the one there is, as if it
 * were not there, and nothing they write anywhere is told of. Idempotent. 3 reads, 2 writes; 1 commit
 * more where there is a direct chat.
 * @throws AppError `not_found`, `invalid_request` for oneself, `conflict` beyond BLOCKS_MAX
 */
export async function blockPerson(
  deps: ChatDeps,
  app: App,
  person: Principal,
  userId: string,
): Promise<Block> {
  if (userId === person.id) {
    throw new AppError("invalid_request", "Nobody blocks themselves.", {
      errors: [{ path: "user", message: "must be somebody else" }],
    });
  }
  const { at, chat } = await within(
    TRANSACTION_MS_MAX,
    deps.firestore.runTransaction(async (transaction) => {
      const ref = readsRef(app, person.id);
      const pair = pairProof(app, [person.id, userId]);
      const [reads, user, found] = await transaction.getAll(ref, userRef(app, userId), pair.ref);
      if (storedUser(user) === undefined) throw new AppError("not_found", "There is no such user.");
      const blocks = blocksIn(reads);
      const before = blocks.get(userId);
      const now = before ?? Timestamp.fromMillis(deps.clock.now());
      if (before === undefined) {
        if (blocks.size >= BLOCKS_MAX) {
          throw new AppError("conflict", `Nobody blocks more than ${BLOCKS_MAX}.`);
        }
        transaction.set(ref, { blocked: { [userId]: now } }, { merge: true });
      }
      return { at: now, chat: touchPair(deps, transaction, pair, found) };
    }),
  );
  await markDirectChat(deps, app, chat, (blockedBy) =>
    blockedBy.includes(person.id) ? blockedBy : [...blockedBy, person.id],
  );
  return { user: userId, createdAt: at.toDate().toISOString() };
}

/** Takes a block back. Idempotent. 1 read, 2 writes; 1 commit more where there is a direct chat. */
export async function unblockPerson(
  deps: ChatDeps,
  app: App,
  person: Principal,
  userId: string,
): Promise<void> {
  const fields = { blocked: { [userId]: FieldValue.delete() } };
  const path = new FieldPath("blocked", userId);
  const pair = pairProof(app, [person.id, userId]);
  const chat = await within(
    TRANSACTION_MS_MAX,
    deps.firestore.runTransaction(async (transaction) => {
      const found = await transaction.get(pair.ref);
      transaction.set(readsRef(app, person.id), fields, { mergeFields: [path] });
      // Who has never been blocked and has no chat leaves nothing behind.
      return found.exists ? touchPair(deps, transaction, pair, found) : NO_CHAT;
    }),
  );
  await markDirectChat(deps, app, chat, (blockedBy) =>
    blockedBy.includes(person.id) ? blockedBy.filter((id) => id !== person.id) : blockedBy,
  );
}

/**
 * Writes the pair's document, so that a chat which is being created for them at this moment, from blocks as
 * they were before, is decided on anew (create-chat.ts). Returns the chat that they have.
 */
function touchPair(
  deps: ChatDeps,
  transaction: Transaction,
  pair: Proof<number>,
  found: DocumentSnapshot | undefined,
): number {
  const at = Timestamp.fromMillis(deps.clock.now());
  if (found?.exists !== true) {
    transaction.create(pair.ref, { chat: NO_CHAT, fingerprint: pair.fingerprint, blocksAt: at });
    return NO_CHAT;
  }
  transaction.update(pair.ref, { blocksAt: at });
  return pair.result(found);
}

/**
 * Notes the block in the head of their direct chat, which every append has at hand. Its revision stays:
 * nobody is told.
 */
async function markDirectChat(
  deps: ChatDeps,
  app: App,
  chat: number,
  change: (blockedBy: readonly string[]) => readonly string[],
): Promise<void> {
  if (chat === NO_CHAT) return;
  await deps.chatLog.chats.change<void>(chatHandle(app, chat).ref, {
    decide(head: ChatHead) {
      const before = head.blockedBy ?? [];
      const blockedBy = change(before);
      const next = blockedBy === before ? head : { ...head, blockedBy };
      return { head: next, create: [], bytes: 0, result: undefined };
    },
  });
}

/** Whom the person has blocked, the latest first. 1 read. */
export async function listBlocks(app: App, person: Principal): Promise<Block[]> {
  const blocks = blocksIn(await within(READ_MS_MAX, readsRef(app, person.id).get()));
  return [...blocks]
    .toSorted(([, a], [, b]) => b.toMillis() - a.toMillis())
    .map(([user, at]) => ({ user, createdAt: at.toDate().toISOString() }));
}
