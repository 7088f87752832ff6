import type { Row } from "../branches/read-path.ts";
import type { ChatHandle } from "../chat-handle.ts";
import type { Progress } from "../store.ts";
import {
  BLOCK_MESSAGES,
  blockOf,
  decodeEntries,
  encodeEntries,
  type Entry,
  entryOf,
  mergeEntries,
  sealedAt,
} from "./block.ts";
import { blockRef, currentTail, readBlocks, type Sealed, type Tail, toBlock } from "./store.ts";

/** Sealed blocks written anew in one commit: 3 MiB at most. */
export const REWRITES_MAX = 16;

/** The blocks after changes, to be written in the commit that records these as handled. */
export interface Advanced {
  /** Undefined when the chat has no blocks. */
  readonly tail: Tail | undefined;
  readonly blocks: readonly Sealed[];
}

const tailOf = (progress: Progress): Tail | undefined => {
  const { tail, revision } = progress;
  if (tail !== undefined) return currentTail(progress);
  return revision === 0 ? { revision, sealed: 0, sealedRevision: 0, messages: encodeEntries([]) } : undefined;
};

/** The first of the changed messages, as many as one commit can take into sealed blocks. */
export function rewritable(progress: Progress, rows: readonly Row[]): readonly Row[] {
  const sealed = tailOf(progress)?.sealed ?? 0;
  const blocks = new Set<number>();
  const end = rows.findIndex(({ stored }) => {
    const block = blockOf(stored.number);
    return block <= sealed && blocks.add(block).size > REWRITES_MAX;
  });
  return end === -1 ? rows : rows.slice(0, end);
}

/**
 * Takes changed messages into the tail and seals what has become old in it; changes of older messages are
 * taken into their sealed blocks. No operation but a read for each sealed block that a message has changed
 * in. A chat whose blocks are not up to the progress, or not there, is left without.
 */
export async function advanceBlocks(
  chat: ChatHandle,
  progress: Progress,
  { rows, reached }: { readonly rows: readonly Row[]; readonly reached: number },
): Promise<Advanced> {
  const before = tailOf(progress);
  if (before === undefined) return { tail: undefined, blocks: [] };
  const sealedThrough = before.sealed * BLOCK_MESSAGES;
  const changed = rows.map(entryOf);
  const old = changed.filter((entry) => entry.number <= sealedThrough);
  const rewritten = await rewrite(chat, old);
  if (rewritten === undefined) return { tail: undefined, blocks: [] };
  const entries = mergeEntries(
    decodeEntries(before.messages),
    changed.filter((entry) => entry.number > sealedThrough),
  );
  const last = entries.at(-1);
  const sealed = Math.max(before.sealed, last === undefined ? 0 : sealedAt(last.number));
  const fresh = entries.filter((entry) => entry.number <= sealed * BLOCK_MESSAGES);
  const tail: Tail = {
    revision: reached,
    sealed,
    sealedRevision: Math.max(before.sealedRevision, ...[...old, ...fresh].map((entry) => entry.revision)),
    messages: encodeEntries(entries.slice(fresh.length)),
  };
  return { tail, blocks: [...rewritten, ...sealAll(chat, fresh, before.sealed, sealed)] };
}

/** Undefined when a block is not there. */
async function rewrite(chat: ChatHandle, old: readonly Entry[]): Promise<readonly Sealed[] | undefined> {
  const byBlock = Map.groupBy(old, (entry) => blockOf(entry.number));
  const found = await readBlocks(chat, [...byBlock.keys()]);
  if (found.size < byBlock.size) return undefined;
  return [...found].map(([block, { messages }]) => ({
    ref: blockRef(chat, block),
    data: toBlock(mergeEntries(decodeEntries(messages), byBlock.get(block) ?? [])),
  }));
}

/**
 * A message may be missing from a block when it is sealed: one that has changed so late that this catch-up
 * has not come to it yet. It is taken in then, and until then it is found among what has changed since.
 */
function sealAll(
  chat: ChatHandle,
  entries: readonly Entry[],
  from: number,
  through: number,
): readonly Sealed[] {
  const byBlock = Map.groupBy(entries, (entry) => blockOf(entry.number));
  return Array.from({ length: through - from }, (_, index) => {
    const block = from + index + 1;
    return { ref: blockRef(chat, block), data: toBlock(byBlock.get(block) ?? []) };
  });
}
