import type { App } from "../../identity/app.ts";
import { latestAtOf } from "../log/crowd-times.ts";
import type { ChatHead } from "../log/head.ts";
import { isArchived, isPinned } from "../own/own-state.ts";
import { type OwnStates, readHeads } from "../store.ts";
import { type ChatFilter, fits, type FoundHeads, type Position, positionOf } from "./list-heads.ts";

/** Whether somebody wants the chats that they have put in one of these places, or all others. */
export interface Arrangement {
  readonly archived?: boolean | undefined;
  readonly pinned?: boolean | undefined;
}

export const isArranged =
  (states: OwnStates, { archived, pinned }: Arrangement) =>
  (head: ChatHead): boolean =>
    (archived === undefined || isArchived(head, states.of(head.number)) === archived) &&
    (pinned === undefined || isPinned(head, states.of(head.number)) === pinned);

/**
 * The chats that the reader has archived or pinned, those with the latest message first. Their notes name
 * them, so they are read one by one: a read for each, of at most `limit`.
 */
export async function listArranged(
  { app, personId }: { readonly app: App; readonly personId: string },
  states: OwnStates,
  arrangement: Arrangement,
  filter: Omit<ChatFilter, "isShown">,
): Promise<FoundHeads> {
  const shown = isArranged(states, arrangement);
  const { named = (found) => Promise.resolve(found) } = filter;
  if (arrangement.archived !== true) {
    // There are few pinned ones, and a message moves them in the list: all are read, and those shown are cut
    // out.
    const heads = await readHeads(app, states.pinned);
    return cutPage(await named(heads.filter(shown)), personId, filter);
  }
  // While a chat is archived no message comes, so its place in the list is known without reading it.
  const places = states.archived
    .map(({ chat, at }) => positionOf(at, chat))
    .filter((position) => filter.after === undefined || comesAfter(position, filter.after))
    .sort((a, b) => (comesAfter(a, b) ? 1 : -1));
  const page = places.slice(0, filter.limit);
  const heads = await readHeads(
    app,
    page.map(({ number }) => number),
  );
  return {
    heads: await named(heads.filter((head) => isWanted(head, personId, filter) && shown(head))),
    goOnAfter: places.length > page.length ? page.at(-1) : undefined,
    placeOf,
  };
}

/** The page after a position, of heads that are all there are. */
export function cutPage(
  heads: readonly ChatHead[],
  personId: string,
  filter: Omit<ChatFilter, "isShown" | "named">,
): FoundHeads {
  const sorted = heads
    .filter((head) => isWanted(head, personId, filter))
    .map((head) => ({ head, position: placeOf(head) }))
    .filter(({ position }) => filter.after === undefined || comesAfter(position, filter.after))
    .sort((a, b) => (comesAfter(a.position, b.position) ? 1 : -1));
  return { heads: sorted.slice(0, filter.limit).map(({ head }) => head), goOnAfter: undefined, placeOf };
}

const placeOf = (head: ChatHead): Position => positionOf(latestAtOf(head), head.number);

function isWanted(head: ChatHead, personId: string, filter: Omit<ChatFilter, "isShown" | "named">): boolean {
  const atMs = latestAtOf(head).toMillis();
  return (
    fits(head, personId, filter) &&
    (filter.from === undefined || atMs >= filter.from) &&
    (filter.to === undefined || atMs <= filter.to)
  );
}

/** In a list with the latest first. */
function comesAfter(a: Position, b: Position): boolean {
  const [at, bt] = [BigInt(a.updatedAtMicros), BigInt(b.updatedAtMicros)];
  return at < bt || (at === bt && a.number < b.number);
}
