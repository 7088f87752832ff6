import { decodeCursor, encodeCursor } from "../platform/cursor.ts";
import type { Keys } from "../platform/keys.ts";
import type { Phase, RankPlace } from "./rank-entries.ts";

/**
 * Where a page of hits begins: in which window of entries, and behind which rank in it. A window is the
 * stretch between two entries, so messages that arrive while somebody leafs through the pages are in none of
 * them, and no hit comes twice.
 */
export interface Place {
  readonly phase: Phase;
  /** When the first page was asked for: ages count from then, so ranks stay the same. */
  readonly atMs: number;
  /** The window's first entry, and its last; where undefined it reaches to the end. */
  readonly from?: string | undefined;
  readonly until?: string | undefined;
  readonly rank?: RankPlace | undefined;
}

export const encodePlace = (keys: Keys, scope: readonly string[], place: Place): string =>
  encodeCursor(keys, scope, [
    place.phase,
    place.atMs,
    place.from ?? "",
    place.until ?? "",
    ...(place.rank === undefined ? [] : [place.rank.score, place.rank.id]),
  ]);

/** @throws AppError `invalid_request` for a cursor of another search */
export function decodePlace(keys: Keys, scope: readonly string[], cursor: string): Place {
  const [phase, atMs, from, until, score, id] = decodeCursor(keys, scope, cursor);
  return {
    phase: phase === "near" ? "near" : "exact",
    atMs: Number(atMs),
    from: from === "" ? undefined : String(from),
    until: until === "" ? undefined : String(until),
    ...(id === undefined ? {} : { rank: { score: Number(score), id: String(id) } }),
  };
}
