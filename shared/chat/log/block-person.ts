import type { App } from "../../identity/app.ts";
import type { Principal } from "../../identity/principal.ts";
import { TRANSACTION_MS_MAX, storedUser, userRef } from "../../identity/store.ts";
import { AppError } from "../../platform/errors.ts";
import { FieldPath, FieldValue, Timestamp } from "../../platform/firestore-values.ts";
import { READ_MS_MAX, within } from "../../platform/within.ts";
import { chatHandle } from "../chat-handle.ts";
import type { Block } from "../contract.ts";
import { blocksIn, readsRef } from "../store.ts";
import type { ChatDeps } from "./chat-log.ts";
import { pairProof } from "./create-chat.ts";
import type { ChatHead } from "./head.ts";

/** They stand in the person's one document of marks, which the background reads with everything it tells. */
export const BLOCKS_MAX = 500;

/**
 * Blocks somebody: they open no direct chat with the person and write nothing in the one there is, as if it
 * were not there, and nothing they write anywhere is told of. Idempotent. 3 reads, 1 write; 1 commit more
 * where there is a direct chat.
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
  const at = await within(
    TRANSACTION_MS_MAX,
    deps.firestore.runTransaction(async (transaction) => {
      const ref = readsRef(app, person.id);
      const [reads, user] = await transaction.getAll(ref, userRef(app, userId));
      if (storedUser(user) === undefined) throw new AppError("not_found", "There is no such user.");
      const blocks = blocksIn(reads);
      const before = blocks.get(userId);
      if (before !== undefined) return before;
      if (blocks.size >= BLOCKS_MAX) throw new AppError("conflict", `Nobody blocks more than ${BLOCKS_MAX}.`);
      const now = Timestamp.fromMillis(deps.clock.now());
      transaction.set(ref, { blocked: { [userId]: now } }, { merge: true });
      return now;
    }),
  );
  await markDirectChat(deps, app, [person.id, userId], (blockedBy) =>
    blockedBy.includes(person.id) ? blockedBy : [...blockedBy, person.id],
  );
  return { user: userId, createdAt: at.toDate().toISOString() };
}

/** Takes a block back. Idempotent. 1 read, 1 write; 1 commit more where there is a direct chat. */
export async function unblockPerson(
  deps: ChatDeps,
  app: App,
  person: Principal,
  userId: string,
): Promise<void> {
  const fields = { blocked: { [userId]: FieldValue.delete() } };
  const path = new FieldPath("blocked", userId);
  await within(READ_MS_MAX, readsRef(app, person.id).set(fields, { mergeFields: [path] }));
  await markDirectChat(deps, app, [person.id, userId], (blockedBy) =>
    blockedBy.includes(person.id) ? blockedBy.filter((id) => id !== person.id) : blockedBy,
  );
}

/**
 * Notes the block in the head of their direct chat, which every append has at hand. Its revision stays:
 * nobody is told. A chat that is being created at this very moment is found by repeating the call.
 */
async function markDirectChat(
  deps: ChatDeps,
  app: App,
  pair: readonly string[],
  change: (blockedBy: readonly string[]) => readonly string[],
): Promise<void> {
  const proof = pairProof(app, pair);
  const found = await within(READ_MS_MAX, proof.ref.get());
  if (!found.exists) return;
  await deps.chatLog.chats.change<void>(chatHandle(app, proof.result(found)).ref, {
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
