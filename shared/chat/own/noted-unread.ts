import { type ChatHead, readThrough, standingBetween, unreadCount } from "../log/head.ts";
import type { Silent } from "../log/silent.ts";

/** What was unread to a person in a chat when that was noted with them. */
export interface Unread {
  readonly count: number;
  /** The chat's last message then. */
  readonly through: number;
  /** Those after what the person had read that are unread to nobody. */
  readonly silent?: Silent;
}

/** Beyond as many runs the oldest are left out: see unreadAsNoted. */
export const SILENT_RUNS_NOTED_MAX = 20;

/** What a head says is unread to somebody who has read up to a message. Pure. */
export function unreadIn(head: ChatHead, personId: string, read: number): Unread {
  const count = unreadCount(head, personId, read);
  const after = readThrough(head, personId, read);
  const runs = (head.silent ?? []).slice(-2 * SILENT_RUNS_NOTED_MAX);
  const from = runs.findIndex((last, at) => at % 2 === 1 && last > after);
  const silent = from < 0 ? [] : runs.slice(from - 1);
  return { count, through: head.lastNumber, ...(count === 0 || silent.length === 0 ? {} : { silent }) };
}

/**
 * What such a note says to somebody who has read up to a message: further than when it was noted, or than a
 * mark said that came late. Too much only where more runs were silent than are noted. Pure.
 */
export const unreadAsNoted = (note: Unread | undefined, read: number): number =>
  note === undefined ? 0 : Math.min(note.count, standingBetween(note, read, note.through));
