import type { Row } from "../branches/read-path.ts";
import type { ChatHandle } from "../chat-handle.ts";
import { listChanged, listMessages, type MessageRange } from "../store.ts";
import {
  BLOCK_MESSAGES,
  decodeEntries,
  type Entry,
  entryOf,
  mergeEntries,
  rowOf,
  sealedAt,
  TAIL_MESSAGES_MAX,
} from "./block.ts";
import type { RecentBlocks } from "./recent-blocks.ts";
import { blocksWithin, type Found, readAlone, readBlocks, readTail, type Tail } from "./store.ts";

/** Where blocks are further behind, messages are read one by one: that costs no more. */
export const LAG_REVISIONS_MAX = 64;
/** So few changes or messages are read one by one. */
const FEW = 3;
/** What has changed longer ago is hardly in the tail: who looks that far back reads changes one by one. */
const NEAR_REVISIONS_MAX = 2 * TAIL_MESSAGES_MAX;
const NO_TAIL: Pick<Found, "tail"> = { tail: undefined };

/** A chat's messages, out of its blocks and of what has changed since these were written. */
export interface Blocks {
  /** All up to this revision is in them, and nothing later but what `rows` reads by itself. */
  readonly revision: number;
  /**
   * Where messages stand in any of the ranges, the oldest first. At most a read for each block. Undefined
   * when a block is gone, as those of a deleted chat are.
   */
  entries(ranges: readonly NumberRange[]): Promise<readonly Entry[] | undefined>;
  /** Where those stand that have changed after a revision; undefined when sealed blocks would be needed. */
  changedAfter(revision: number): readonly Entry[] | undefined;
  /** The messages themselves; those that are gone are left out. A read for each that no block holds. */
  rows(entries: readonly Entry[]): Promise<Row[]>;
}

/** What is newest in a chat, as an instance knows it: a tail, taken apart, and changes after it. */
export interface Newest {
  readonly revision: number;
  /** That of the tail as it was stored. */
  readonly tailRevision: number;
  readonly sealed: number;
  readonly sealedRevision: number;
  readonly entries: readonly Entry[];
  /** Changes of messages that are in sealed blocks. */
  readonly old: readonly Entry[];
  /** Roughly what it takes, encoded. */
  readonly bytes: number;
}

/** Of the numbers after one and up to another. */
export interface NumberRange {
  readonly after: number;
  readonly through: number;
}

/**
 * A chat's blocks. `near`: where a reader is going to look first, so that those blocks come along with the
 * tail. `revision` is that of the head, where it is known: what is behind it is made up for. 1
 * read and one for each sealed block in the range; 1 query and a read for each change that the blocks lack,
 * none when they are up to the head. Undefined when the chat has none, or they are far behind.
 */
export async function openBlocks(
  chat: ChatHandle,
  { revision, near = [] }: { readonly revision?: number; readonly near?: readonly NumberRange[] } = {},
): Promise<Blocks | undefined> {
  const found = await readTail(chat, [...new Set(near.flatMap((range) => blocksNear(range)))], {
    head: false,
  });
  const newest = newestOf(found.tail);
  const fresh = newest && (await freshen(chat, newest, revision));
  return fresh && blocksOn(chat, fresh, { read: found.blocks });
}

/** The blocks that a range would be in. Some may turn out not to be sealed yet. */
export const blocksNear = ({ after, through }: NumberRange, lastNumber = Infinity): number[] =>
  blocksWithin(after, through, sealedAt(lastNumber));

export const isFew = (ranges: readonly NumberRange[]): boolean =>
  ranges.reduce((sum, { after, through }) => sum + through - after, 0) <= FEW;

export const newestOf = (tail: Tail | undefined): Newest | undefined =>
  tail && {
    revision: tail.revision,
    tailRevision: tail.revision,
    sealed: tail.sealed,
    sealedRevision: tail.sealedRevision,
    entries: decodeEntries(tail.messages),
    old: [],
    bytes: tail.messages.byteLength,
  };

/**
 * The same up to a revision, or up to now where none is given. Nothing when it is that far; otherwise 1 query
 * and a read for each change. Undefined when it is too far behind.
 */
export async function freshen(
  chat: ChatHandle,
  newest: Newest,
  revision: number | undefined,
): Promise<Newest | undefined> {
  if (revision !== undefined && revision <= newest.revision) return newest;
  if ((revision ?? 0) > newest.revision + LAG_REVISIONS_MAX) return undefined;
  const rows = await listChanged(chat, newest.revision, LAG_REVISIONS_MAX + 1);
  if (rows.length > LAG_REVISIONS_MAX) return undefined;
  const changed = rows.map(entryOf);
  const sealedThrough = newest.sealed * BLOCK_MESSAGES;
  const isOld = (entry: Entry): boolean => entry.number <= sealedThrough;
  return {
    ...newest,
    revision: Math.max(revision ?? newest.revision, ...rows.map(({ stored }) => stored.revision)),
    entries: mergeEntries(
      newest.entries,
      changed.filter((entry) => !isOld(entry)),
    ),
    old: mergeEntries(newest.old, changed.filter(isOld)),
    bytes: newest.bytes + changed.reduce((sum, { rest }) => sum + rest.length, 0),
  };
}

/**
 * What is newest together with the sealed blocks. `read` are those that have been read already, after the
 * tail or with it; `recent` remembers them, and knows others.
 */
export function blocksOn(
  chat: ChatHandle,
  newest: Newest,
  { read = new Map(), recent }: { readonly read?: Found["blocks"]; readonly recent?: RecentBlocks } = {},
): Blocks {
  const decoded = new Map<number, readonly Entry[]>();
  const take = (found: Found["blocks"]): void => {
    for (const [block, { messages }] of found) {
      decoded.set(block, decodeEntries(messages));
      if (block <= newest.sealed) recent?.keepSealed(chat, block, newest, messages);
    }
  };
  take(read);
  const sealedWithin = async (ranges: readonly NumberRange[]): Promise<Entry[] | undefined> => {
    const within = ranges.flatMap(({ after, through }) => blocksWithin(after, through, newest.sealed));
    const wanted = [...new Set(within)].sort((a, b) => a - b);
    for (const block of wanted) {
      const known = decoded.has(block) ? undefined : recent?.getSealed(chat, block, newest);
      if (known !== undefined) decoded.set(block, known);
    }
    const missing = wanted.filter((block) => !decoded.has(block));
    take(await readBlocks(chat, missing));
    if (wanted.some((block) => !decoded.has(block))) return undefined;
    return wanted.flatMap((block) => decoded.get(block) ?? []);
  };
  return {
    revision: newest.revision,
    async entries(ranges) {
      const isWithin = ({ number }: Entry): boolean =>
        ranges.some(({ after, through }) => number > after && number <= through);
      const sealed = await sealedWithin(ranges);
      return sealed && [...mergeEntries(sealed, newest.old), ...newest.entries].filter(isWithin);
    },
    changedAfter(revision) {
      if (revision < newest.sealedRevision) return undefined;
      return [...newest.old, ...newest.entries]
        .filter((entry) => entry.revision > revision)
        .sort((a, b) => a.revision - b.revision);
    },
    async rows(entries) {
      const alone = await readAlone(
        chat,
        entries.flatMap(({ id, rest }) => (rest === "" ? [id] : [])),
      );
      return entries.flatMap((entry) => (entry.rest === "" ? (alone.get(entry.id) ?? []) : rowOf(entry)));
    },
  };
}

/**
 * Messages by their numbers, whatever their branch, out of blocks where that costs less: then 1 read, and one
 * for each sealed block. `revision` is that of the head, as far as it is known.
 */
export async function listNumbered(
  chat: ChatHandle,
  range: Omit<MessageRange, "branch"> & { readonly before: number },
  revision: number,
): Promise<Row[]> {
  const { after = 0, before, order, limit } = range;
  const width = Math.min(limit, before - 1 - after);
  if (width <= FEW) return width <= 0 ? [] : listMessages(chat, range);
  const near =
    order === "asc" ? { after, through: after + width } : { after: before - 1 - width, through: before - 1 };
  const blocks = await openBlocks(chat, { revision, near: [near] });
  const entries = await blocks?.entries([near]);
  // Fewer than there are numbers: some have never been, and there are more beyond.
  if (blocks === undefined || entries === undefined || entries.length < width)
    return listMessages(chat, range);
  return blocks.rows(order === "asc" ? entries : entries.toReversed());
}

/**
 * Messages that have changed after a revision, in the order of their changes: out of blocks where it lies
 * within them and that costs less. `revision` is that of the head. Up to the last row's revision nothing is
 * left out.
 */
export async function listChangedAfter(
  chat: ChatHandle,
  after: number,
  { revision, limit }: { readonly revision: number; readonly limit: number },
): Promise<Row[]> {
  const isNear = revision - after > FEW && revision - after <= NEAR_REVISIONS_MAX;
  const { tail } = isNear ? await readTail(chat, [], { head: false }) : NO_TAIL;
  if (tail === undefined || after < tail.sealedRevision) return listChanged(chat, after, limit);
  const newest = newestOf(tail);
  const fresh = newest && (await freshen(chat, newest, revision));
  const blocks = fresh && blocksOn(chat, fresh);
  const entries = blocks?.changedAfter(after)?.slice(0, limit);
  if (blocks === undefined || entries === undefined) return listChanged(chat, after, limit);
  // One that was read by itself may be later than all that is known here: its turn comes with that.
  return (await blocks.rows(entries)).filter(({ stored }) => stored.revision <= blocks.revision);
}
