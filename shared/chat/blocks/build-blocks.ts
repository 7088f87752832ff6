import { GRPC, grpcCode } from "../../platform/errors.ts";
import type { ChatHandle } from "../chat-handle.ts";
import { listChanged, listMessages, readProgress } from "../store.ts";
import { advanceBlocks, rewritable } from "./advance-blocks.ts";
import { BLOCK_MESSAGES, blockOf, encodeEntries, entryOf, sealedAt, TAIL_MESSAGES_MAX } from "./block.ts";
import {
  blockRef,
  currentTail,
  readBlockTimes,
  type Tail,
  toBlock,
  writeBlocks,
  writeTail,
} from "./store.ts";

/** Sealed blocks built in one step, and so messages read in it. */
export const STEP_BLOCKS = 16;
/** Changes taken in at once that have come while a chat's blocks were built. */
const CHANGES_MAX = 100;

/** How far the building of a chat's blocks has come. */
export interface Building {
  /** What is built holds everything up to this revision, and may hold later states. */
  readonly since: number;
  readonly sealed: number;
}

/**
 * Does a part of building the blocks of a chat that has none, or none that are up to date; answers where to
 * go on, and undefined when they are there. Others may append and change messages meanwhile, and others may
 * build: a sealed block is written on condition that it is as it was before its messages were read, and the
 * tail, without which no block counts, on condition that the progress has not moved. So whoever is late
 * changes nothing, and begins anew. A step costs a read for each of at most 1,024 messages, and 2 reads and a
 * write for each block.
 * @throws when Firestore fails; call it again
 */
export async function buildBlocks(chat: ChatHandle, at: Building | undefined): Promise<Building | undefined> {
  const { head, progress, found } = await readProgress(chat);
  const isDone = progress.revision === 0 || currentTail(progress) !== undefined;
  if (head === undefined || head.status !== "open" || isDone) return undefined;
  const anew = { since: progress.revision, sealed: 0 };
  const { since, sealed } = at ?? anew;
  const goal = sealedAt(head.lastNumber);
  try {
    if (sealed < goal) {
      const through = Math.min(goal, sealed + STEP_BLOCKS);
      await sealBlocks(chat, sealed, through);
      return { since, sealed: through };
    }
    const built = { ...progress, revision: since, tail: await buildTail(chat, { since, sealed }) };
    const rows = await listChanged(chat, since, CHANGES_MAX);
    const taken = rewritable(built, rows);
    const isAll = rows.length < CHANGES_MAX && taken.length === rows.length;
    const last = taken.at(-1)?.stored.revision ?? since;
    const times = isAll
      ? undefined
      : await readBlockTimes(
          chat,
          taken.map(({ stored }) => blockOf(stored.number)),
        );
    const advanced = await advanceBlocks(chat, built, {
      rows: taken,
      reached: isAll ? progress.revision : last,
    });
    if (times === undefined) {
      await writeTail(chat, found, advanced);
      return undefined;
    }
    await writeBlocks(chat, advanced.blocks, times);
    return { since: last, sealed };
  } catch (cause) {
    const code = grpcCode(cause);
    if (code === GRPC.failedPrecondition || code === GRPC.alreadyExists || code === GRPC.aborted) return anew;
    throw cause;
  }
}

async function sealBlocks(chat: ChatHandle, from: number, through: number): Promise<void> {
  const blocks = Array.from({ length: through - from }, (_, index) => from + index + 1);
  const times = await readBlockTimes(chat, blocks);
  const written = await Promise.all(
    blocks.map(async (block) => {
      const last = block * BLOCK_MESSAGES;
      const range = { after: last - BLOCK_MESSAGES, before: last + 1, order: "asc" } as const;
      const rows = await listMessages(chat, { ...range, limit: BLOCK_MESSAGES });
      return { ref: blockRef(chat, block), data: toBlock(rows.map(entryOf)) };
    }),
  );
  await writeBlocks(chat, written, times);
}

/** What is beyond the limit has come since the chat's head was read, and so after the progress. */
async function buildTail(chat: ChatHandle, { since, sealed }: Building): Promise<Tail> {
  const rows = await listMessages(chat, {
    after: sealed * BLOCK_MESSAGES,
    order: "asc",
    limit: TAIL_MESSAGES_MAX,
  });
  return { revision: since, sealed, sealedRevision: since, messages: encodeEntries(rows.map(entryOf)) };
}
