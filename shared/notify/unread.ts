import { type ChatHead, type LatestMessage, readThrough, standingBetween } from "../chat/log/head.ts";
import type { Round } from "./claim.ts";
import type { Presence, Reading } from "./store.ts";

/** Somebody who has not read what a round tells of. */
export interface Missed {
  readonly person: string;
  readonly seen: Reading & Presence;
  /** Everything up to this message they had been told of. */
  readonly since: number;
  /** The first message that they have not read. */
  readonly from: number;
}

export interface Attention {
  /** They are there, but may have left just before the message came. */
  readonly online: Missed[];
  readonly offline: Missed[];
}

interface Looked {
  readonly person: string;
  readonly seen: Reading & Presence;
  readonly since: number;
  readonly head: ChatHead;
  readonly round: Round;
  readonly nowMs: number;
}

/** The person or server that wrote it; undefined of a model, whom nobody can block. */
export const writerOf = (message: LatestMessage | null | undefined): string | undefined =>
  message && "id" in message.sender ? message.sender.id : undefined;

/** Whether somebody whom the person has not blocked has written since. */
function isWorthTelling(
  { sent, latest }: ChatHead,
  person: string,
  { from, blocked }: { readonly from: number; readonly blocked: Reading["blocked"] },
): boolean {
  if (blocked.size === 0) return true;
  const writer = writerOf(latest);
  // Models and servers are no members, so the head remembers of them only the newest message.
  if (writer === undefined || !blocked.has(writer)) return true;
  return Object.entries(sent).some(
    ([member, number]) => member !== person && number >= from && !blocked.has(member),
  );
}

/**
 * The rule of who is told: whoever has not read, by their mark or by having written below it. Whoever had a
 * stream open after the message came has seen it; whoever is online since before may only seem so.
 */
export function missedBy(attention: Attention, { person, seen, since, head, round, nowMs }: Looked): void {
  const from = Math.max(since, readThrough(head, person, seen.read)) + 1;
  // What was deleted meanwhile is not told of.
  const isNothing = standingBetween(head, from - 1, round.claim.through) === 0;
  if (isNothing || !isWorthTelling(head, person, { from, blocked: seen.blocked })) return;
  const missed: Missed = { person, seen, since, from };
  if (seen.onlineUntilMs <= nowMs) attention.offline.push(missed);
  else if (seen.lastSeenMs < round.claim.messageAt.toMillis()) attention.online.push(missed);
}
