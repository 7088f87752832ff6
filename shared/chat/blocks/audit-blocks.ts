import { GRPC, grpcCode } from "../../platform/errors.ts";
import type { ChatHandle } from "../chat-handle.ts";
import { readProgress } from "../store.ts";
import { BLOCK_MESSAGES, decodeEntries } from "./block.ts";
import { type Building, buildBlocks } from "./build-blocks.ts";
import { currentTail, sumBlocks, writeTail } from "./store.ts";

/** A change between two of the reads makes them differ for a moment. */
const LOOKS = 2;

/**
 * Proves that a chat's blocks hold what its messages are: as many as their numbers say, each at its revision,
 * by sums. Blocks that differ, are out of date or missing are built anew. Costs 2 reads and 3 queries with a
 * read for each 1000 messages and blocks; to build anew, what `buildBlocks` costs.
 * @throws when Firestore fails
 */
export async function auditBlocks(chat: ChatHandle): Promise<"right" | "repaired"> {
  for (let look = 0; look < LOOKS; look += 1) {
    const { head, progress, found } = await readProgress(chat);
    // What lags is the reconciler's to bring on; what has no progress begins with blocks.
    if (head?.status !== "open" || progress.revision < head.revision) return "right";
    const tail = currentTail(progress);
    if (tail === undefined) break;
    const sums = await sumBlocks(chat);
    const entries = decodeEntries(tail.messages);
    const inTail = entries.reduce((sum, { revision }) => sum + revision, 0);
    const isWhole =
      sums.blocks === tail.sealed &&
      sums.messages === tail.sealed * BLOCK_MESSAGES &&
      sums.messages + entries.length === head.lastNumber;
    if (isWhole && sums.ofBlocks + inTail === sums.ofMessages) return "right";
    if (look === LOOKS - 1) {
      try {
        await writeTail(chat, found, { tail: undefined, blocks: [] });
      } catch (cause) {
        // It has moved on: the next audit looks again.
        if (grpcCode(cause) === GRPC.failedPrecondition) return "right";
        throw cause;
      }
    }
  }
  let at: Building | undefined;
  do at = await buildBlocks(chat, at);
  while (at !== undefined);
  return "repaired";
}
