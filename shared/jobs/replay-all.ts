import { Timestamp } from "../platform/firestore-values.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";
import { NewReplayAll } from "./contract.ts";
import { deadLettersOf } from "./dead-letters.ts";
import { type ReplayDeps, replayDeadLetter } from "./replay.ts";
import type { JobKind, Stepped } from "./run-job.ts";

export const REPLAY_ALL = "replay-dead-letters";
/** Letters of one step. */
const PAGE = 50;

/**
 * Replays the letters that are dead, the oldest death first, so many a second. Those that die again while it
 * runs are not replayed a second time: it ends with what had died when it was begun.
 */
export const replayAll =
  (deps: ReplayDeps): JobKind =>
  async (input, cursor): Promise<Stepped> => {
    const { function: name, perSecond } = NewReplayAll.parse(input);
    const begunMs = cursor === null ? deps.clock.now() : Number(cursor);
    let query = deadLettersOf(deps.firestore)
      .where("state", "==", "dead")
      .where("updatedAt", "<=", Timestamp.fromMillis(begunMs));
    if (name !== undefined) query = query.where("function", "==", name);
    const found = await within(READ_MS_MAX, query.orderBy("updatedAt").limit(PAGE).get());
    let failed = 0;
    for (const { id } of found.docs) {
      try {
        await replayDeadLetter(deps, id, "operator");
      } catch (cause) {
        failed += 1;
        deps.log.error("A dead letter could not be replayed.", cause, { deadLetter: id });
      }
    }
    // Letters that can't be replayed stay, and would be found again for ever.
    const isLast = found.size < PAGE || failed === found.size;
    return {
      cursor: isLast ? null : String(begunMs),
      done: found.size - failed,
      failed,
      notBefore: deps.clock.now() + (found.size / perSecond) * 1000,
    };
  };
