import {
  type CollectionReference,
  type DocumentReference,
  type DocumentSnapshot,
  readDocuments,
} from "../../platform/firestore.ts";
import { AggregateField, FieldValue, type Timestamp } from "../../platform/firestore-values.ts";
import { storedAs } from "../../platform/stored.ts";
import { READ_MS_MAX, within } from "../../platform/within.ts";
import type { Row } from "../branches/read-path.ts";
import type { ChatHandle } from "../chat-handle.ts";
import { storedMessage } from "../log/message.ts";
import { messagesOf, type Progress, progressRef, storedProgress } from "../store.ts";
import { blockOf, encodeEntries, type Entry } from "./block.ts";

/** A sealed block as it is stored. */
export interface StoredBlock {
  /** How many messages it holds, and the sum of their revisions: what an audit goes by. */
  readonly count: number;
  readonly revisions: number;
  readonly messages: Uint8Array;
}
export const storedBlock = storedAs<StoredBlock>();

/**
 * The newest messages, as the background has left them. The tail and all sealed blocks together tell of
 * everything up to its revision.
 */
export interface Tail {
  /** That of the progress in the same document, or the tail is out of date: older code has moved on. */
  readonly revision: number;
  /** How many blocks are sealed. */
  readonly sealed: number;
  /** The highest revision of any message in them: what changed later is in the tail. */
  readonly sealedRevision: number;
  readonly messages: Uint8Array;
}

/** The tail, unless there is none or older code has moved on without it. */
export const currentTail = (progress: Progress | undefined): Tail | undefined =>
  progress?.tail?.revision === progress?.revision ? progress?.tail : undefined;

export const blocksOf = (chat: ChatHandle): CollectionReference => chat.ref.collection("blocks");

export const blockRef = (chat: ChatHandle, block: number): DocumentReference =>
  blocksOf(chat).doc(String(block));

/** A sealed block to be written. */
export interface Sealed {
  readonly ref: DocumentReference;
  readonly data: StoredBlock;
}

/** Entries as a sealed block. */
export function toBlock(entries: readonly Entry[]): StoredBlock {
  const revisions = entries.reduce((sum, entry) => sum + entry.revision, 0);
  return { count: entries.length, revisions, messages: encodeEntries(entries) };
}

export interface Found {
  /** Undefined when it was not asked for. */
  readonly head: DocumentSnapshot | undefined;
  readonly tail: Tail | undefined;
  readonly blocks: ReadonlyMap<number, StoredBlock>;
}

/**
 * The tail and some sealed blocks, with `head` the chat's head too: in one call, and so as they were at one
 * moment. A read for each document.
 */
export async function readTail(
  chat: ChatHandle,
  blocks: readonly number[],
  { head: isHeadWanted }: { readonly head: boolean },
): Promise<Found> {
  const refs = [progressRef(chat), ...blocks.map((block) => blockRef(chat, block))];
  const found = await readDocuments(isHeadWanted ? [...refs, chat.ref] : refs);
  return {
    head: isHeadWanted ? found.at(-1) : undefined,
    tail: currentTail(storedProgress(found[0])),
    blocks: foundBlocks(blocks, found.slice(1)),
  };
}

/** The head and some sealed blocks, for who knows what is newest. In one call; a read for each document. */
export async function readHeadWithBlocks(
  chat: ChatHandle,
  blocks: readonly number[],
): Promise<Pick<Found, "blocks"> & { readonly head: DocumentSnapshot | undefined }> {
  const refs = blocks.map((block) => blockRef(chat, block));
  const [head, ...found] = await readDocuments([chat.ref, ...refs]);
  return { head, blocks: foundBlocks(blocks, found) };
}

/** A read for each. */
export async function readBlocks(
  chat: ChatHandle,
  blocks: readonly number[],
): Promise<ReadonlyMap<number, StoredBlock>> {
  if (blocks.length === 0) return new Map();
  const refs = blocks.map((block) => blockRef(chat, block));
  return foundBlocks(blocks, await readDocuments(refs));
}

/**
 * When sealed blocks were written last, by their paths; absent for those that are not there. A read for each.
 */
export async function readBlockTimes(
  chat: ChatHandle,
  blocks: readonly number[],
): Promise<ReadonlyMap<string, Timestamp | undefined>> {
  if (blocks.length === 0) return new Map();
  const refs = [...new Set(blocks)].map((block) => blockRef(chat, block));
  const found = await within(READ_MS_MAX, chat.ref.firestore.getAll(...refs, { fieldMask: ["count"] }));
  return new Map(found.map(({ ref, updateTime }) => [ref.path, updateTime]));
}

/**
 * Writes sealed blocks, if none was written since. @throws Firestore's `FAILED_PRECONDITION`,
 * `ALREADY_EXISTS` otherwise
 */
export async function writeBlocks(
  chat: ChatHandle,
  blocks: readonly Sealed[],
  times: ReadonlyMap<string, Timestamp | undefined>,
): Promise<void> {
  if (blocks.length === 0) return;
  const batch = chat.ref.firestore.batch();
  for (const { ref, data } of blocks) {
    const lastUpdateTime = times.get(ref.path);
    if (lastUpdateTime === undefined) batch.create(ref, data);
    else batch.update(ref, { ...data }, { lastUpdateTime });
  }
  await within(READ_MS_MAX, batch.commit());
}

/**
 * Writes the tail, and blocks with it, if the progress is the one found; without a tail no block counts any
 * more. @throws Firestore's `FAILED_PRECONDITION` otherwise
 */
export async function writeTail(
  chat: ChatHandle,
  { updateTime }: DocumentSnapshot,
  { tail, blocks }: { readonly tail: Tail | undefined; readonly blocks: readonly Sealed[] },
): Promise<void> {
  if (updateTime === undefined) return;
  const batch = chat.ref.firestore.batch();
  for (const { ref, data } of blocks) batch.set(ref, data);
  batch.update(progressRef(chat), { tail: tail ?? FieldValue.delete() }, { lastUpdateTime: updateTime });
  await within(READ_MS_MAX, batch.commit());
}

/**
 * What is stored of a chat's messages and of its sealed blocks. 3 queries, each a read for each 1000; sums of
 * two fields at once would want an index of both.
 */
export async function sumBlocks(chat: ChatHandle): Promise<{
  /** Sums of revisions. */
  readonly ofMessages: number;
  readonly ofBlocks: number;
  readonly blocks: number;
  /** How many messages are in blocks. */
  readonly messages: number;
}> {
  const revisions = messagesOf(chat).aggregate({ sum: AggregateField.sum("revision") });
  const inBlocks = blocksOf(chat).aggregate({ sum: AggregateField.sum("revisions") });
  const counts = blocksOf(chat).aggregate({
    blocks: AggregateField.count(),
    messages: AggregateField.sum("count"),
  });
  const [ofMessages, ofBlocks, counted] = await Promise.all([
    within(READ_MS_MAX, revisions.get()),
    within(READ_MS_MAX, inBlocks.get()),
    within(READ_MS_MAX, counts.get()),
  ]);
  return { ofMessages: ofMessages.data().sum, ofBlocks: ofBlocks.data().sum, ...counted.data() };
}

function foundBlocks(
  blocks: readonly number[],
  found: readonly DocumentSnapshot[],
): ReadonlyMap<number, StoredBlock> {
  return new Map(
    blocks.flatMap((block, index) => {
      const stored = storedBlock(found[index]);
      return stored === undefined ? [] : [[block, stored] as const];
    }),
  );
}

/** Messages by their documents; those that are gone are left out. A read for each. */
export async function readAlone(chat: ChatHandle, ids: readonly string[]): Promise<ReadonlyMap<string, Row>> {
  if (ids.length === 0) return new Map();
  const refs = ids.map((id) => messagesOf(chat).doc(id));
  const found = await readDocuments(refs);
  return new Map(
    found.flatMap((document) => {
      const stored = storedMessage(document);
      return stored === undefined ? [] : [[document.id, { id: document.id, stored }] as const];
    }),
  );
}

/** Which sealed blocks hold the numbers of a range: after < number <= through. */
export function blocksWithin(after: number, through: number, sealed: number): number[] {
  const first = blockOf(after + 1);
  const last = Math.min(blockOf(through), sealed);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index);
}
