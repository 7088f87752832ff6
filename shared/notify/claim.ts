import type { ChatHead } from "../chat/log/head.ts";
import type { Deps } from "../platform/deps.ts";
import { AppError } from "../platform/errors.ts";
import type { DocumentSnapshot } from "../platform/firestore.ts";
import { FieldValue, Timestamp } from "../platform/firestore-values.ts";
import { claimLease, type Lease, writeLease } from "../platform/lease.ts";
import type { NotifyMembers } from "./contract.ts";
import { type Claim, type Telling, storedTelling } from "./store.ts";

/**
 * A round tells all members of a chat of its messages since the last round. It is claimed for a while, in the
 * document that says how far the chat has been told of:
 *
 * - A task that is delivered twice at once, and two tasks, make one round: the second finds the claim.
 * - A task that was cut short is delivered again and takes the round over when its time is up, with the same
 *   range: so the same notifications, under the same names.
 * - Devices are noted after they have been pushed to. A crash between the two pushes again to at most those
 *   of PEOPLE_AT_ONCE people, and their devices show the message once, as it has the same collapse key. Noted
 *   before, a crash would have them never hear of it.
 */
export interface Round {
  readonly lease: Lease;
  readonly claim: Claim;
  /** When it began. */
  readonly at: Timestamp;
  /** Up to where the chat had been told of before. */
  readonly number: number;
  readonly waiting: Readonly<Record<string, number>>;
  /** There are messages that nobody has been told of. */
  readonly isNew: boolean;
}

/**
 * Longer than the slowest PEOPLE_AT_ONCE take, at the time limits of all their calls. A claim holds for so
 * long after the document was written last, both by Firestore's clock: whatever instances think the time is,
 * they agree.
 */
export const CLAIM_MS = 60_000;

const holds = (claim: Claim, found: DocumentSnapshot): boolean =>
  !claim.isFree && found.readTime.toMillis() - present(found.updateTime).toMillis() < CLAIM_MS;

/** The newest message that is whole; an answer in the making is told of when it has ended. */
export const newestOf = ({ latest }: ChatHead): number => latest?.number ?? 0;

/**
 * Undefined: there is nothing to tell, or another task is at it. 1 write.
 * @throws AppError `unavailable` when this very task is being done, or has been and may not have ended
 */
export async function beginRound(
  deps: Pick<Deps, "clock">,
  head: ChatHead,
  { number, again }: NotifyMembers,
  found: DocumentSnapshot,
): Promise<Round | undefined> {
  const telling = storedTelling(found);
  const by = `${again ? "again" : "new"}-${number}`;
  const { claim: other = null, number: before = 0, waiting = {} } = telling ?? {};
  const now = deps.clock.now();
  if (other !== null && holds(other, found)) {
    // Cloud Tasks calls the holder again until it is done, so another task may leave the work to it. The
    // holder's own second delivery may not.
    if (other.by !== by && number <= other.through) return undefined;
    throw anotherIsAtIt();
  }
  // The task may also announce messages that were written after it was enqueued.
  const isDue = newestOf(head) > before || (again && Object.keys(waiting).length > 0);
  if (other === null && !isDue) return undefined;
  const claim: Claim =
    other === null
      ? {
          by,
          through: Math.max(before, newestOf(head)),
          messageAt: head.latest?.createdAt ?? head.updatedAt,
          isFree: false,
          sent: [],
        }
      : { ...other, by, isFree: false };
  const at = Timestamp.fromMillis(now);
  const first: Telling = { number: before, waiting, claim, at };
  const lease = await claimLease(found, { claim, at }, { ...first });
  if (lease === undefined) throw anotherIsAtIt();
  return { lease, at, claim, number: before, waiting, isNew: claim.through > before };
}

/** Notes devices that have been pushed to, and keeps the claim. 1 write. */
export async function noteSent(round: Round, sent: readonly string[]): Promise<void> {
  await writeRound(round, { "claim.sent": FieldValue.arrayUnion(...sent) });
}

/** Lets the next delivery begin at once. 1 write. */
export async function letGo(round: Round, sent: readonly string[]): Promise<void> {
  const change = {
    "claim.isFree": true,
    ...(sent.length === 0 ? {} : { "claim.sent": FieldValue.arrayUnion(...sent) }),
  };
  await writeRound(round, change);
}

/**
 * Everything up to the end of the round's range has been told; `shown` is what was pushed, if anything. 1
 * write.
 */
export async function endRound(
  round: Round,
  waiting: Readonly<Record<string, number>>,
  shown: number | undefined,
): Promise<void> {
  const number = Math.max(round.number, round.claim.through);
  await writeRound(round, { number, waiting, claim: null, ...(shown === undefined ? {} : { shown }) });
}

async function writeRound(round: Round, change: { readonly [field: string]: unknown }): Promise<void> {
  if (!(await writeLease(round.lease, change))) throw anotherIsAtIt();
}

const anotherIsAtIt = (): AppError =>
  new AppError("unavailable", "Members are being told of this.", { retryAfterSeconds: 1 });

function present(time: Timestamp | undefined): Timestamp {
  if (time === undefined) throw new Error("A document that exists says when it was written.");
  return time;
}
