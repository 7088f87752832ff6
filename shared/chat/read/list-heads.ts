import { headOf } from "../store.ts";
import type { App } from "../../identity/app.ts";
import type { Query } from "../../platform/firestore.ts";
import { Filter, Timestamp } from "../../platform/firestore-values.ts";
import type { Metadata } from "../../platform/contract.ts";
import { hasPairs } from "../../platform/metadata.ts";
import { READ_MS_MAX, within } from "../../platform/within.ts";
import type { Kind } from "../contract.ts";
import { metadataFacet, pairFacet, tagFacet } from "../log/facets.ts";
import type { ChatHead } from "../log/head.ts";

export interface ChatFilter {
  readonly kind?: Kind | undefined;
  readonly tag?: string | undefined;
  /** Somebody else who is a member. */
  readonly member?: string | undefined;
  /** What is noted at the chat. */
  readonly metadata?: Metadata | undefined;
  /** Milliseconds since the epoch, of the latest activity. */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  /** The position after which to go on. */
  readonly after?: Position | undefined;
  readonly limit: number;
  /** What the reader's own notes leave of the list. */
  readonly isShown?: Promise<(head: ChatHead) => boolean>;
  /** What of a page is looked for by its names. */
  readonly named?: ((heads: readonly ChatHead[]) => Promise<readonly ChatHead[]>) | undefined;
}

/** Chats that are looked at by one query for those with a name. */
export const HEADS_NAMED_AT_ONCE = 100;

export interface Position {
  readonly updatedAtMicros: string;
  readonly number: number;
}

/** Queries of one page: chats that only look as if they fitted are looked at no further. */
export const LIST_QUERIES_MAX = 3;

/** What was found, and from where to go on when it is less than was asked for and there may be more. */
export interface FoundHeads {
  readonly heads: readonly ChatHead[];
  readonly goOnAfter: Position | undefined;
  /** Where a head stands in the order in which these were found. */
  placeOf(head: ChatHead): Position;
}

/**
 * The chats of one person, or of the app, those with the latest message first. One query; one read for each
 * chat. With a tag, a member, metadata or `isShown` also one for each chat that fits those and not the rest,
 * and for each of one's large groups: at most LIST_QUERIES_MAX queries, of `limit` reads each; of
 * HEADS_NAMED_AT_ONCE where they are looked for by name.
 */
export async function listHeads(
  app: App,
  personId: string | undefined,
  filter: ChatFilter,
): Promise<FoundHeads> {
  const heads: ChatHead[] = [];
  const { named = (found) => Promise.resolve(found) } = filter;
  const size = filter.named === undefined ? filter.limit : Math.max(filter.limit, HEADS_NAMED_AT_ONCE);
  let { after } = filter;
  for (let queries = 0; queries < LIST_QUERIES_MAX; queries += 1) {
    const query = queryOf(app, personId, { ...filter, limit: size });
    const from = after && [timestampOfMicros(after.updatedAtMicros), after.number];
    const found = await within(READ_MS_MAX, (from === undefined ? query : query.startAfter(...from)).get());
    const page = found.docs.map((document) => headOf(document));
    const isShown = (await filter.isShown) ?? (() => true);
    heads.push(...(await named(page)).filter((head) => fits(head, personId, filter) && isShown(head)));
    const last = page.at(-1);
    if (heads.length >= filter.limit || page.length < size || last === undefined) {
      return { heads: heads.slice(0, filter.limit), goOnAfter: undefined, placeOf: listedAt };
    }
    after = listedAt(last);
  }
  return { heads, goOnAfter: after, placeOf: listedAt };
}

export const positionOf = (at: Timestamp, number: number): Position => ({
  updatedAtMicros: microsOf(at),
  number,
});

/** In the order of the index, in which a crowd is a little behind its latest message. */
const listedAt = ({ updatedAt, number }: ChatHead): Position => positionOf(updatedAt, number);

function queryOf(app: App, personId: string | undefined, filter: ChatFilter): Query {
  const { kind, tag, member, metadata, from, to, limit } = filter;
  const isPlain = tag === undefined && member === undefined && metadata === undefined;
  let query = app.collection("chats").where(chosen(personId, filter));
  // It doubles the indexes that every change moves, so it serves the plain list only.
  if (isPlain && kind !== undefined) query = query.where("kind", "==", kind);
  if (from !== undefined) query = query.where("updatedAt", ">=", Timestamp.fromMillis(from));
  if (to !== undefined) query = query.where("updatedAt", "<=", Timestamp.fromMillis(to));
  return query.orderBy("updatedAt", "desc").orderBy("number", "desc").limit(limit);
}

function chosen(personId: string | undefined, { tag, member, metadata = {} }: ChatFilter): Filter {
  // One of them finds the chats; for the others they are looked at.
  const [pair] = Object.entries(metadata);
  if (personId === undefined) {
    if (member !== undefined) return Filter.where("members", "array-contains", member);
    if (pair !== undefined) return Filter.where("facets", "array-contains", metadataFacet(undefined, pair));
    if (tag !== undefined) return Filter.where("tags", "array-contains", tag);
    return Filter.where("status", "==", "open");
  }
  // A deleted chat has no members, so only a list without a member filters by status.
  const own = Filter.where("members", "array-contains", personId);
  const facet = facetFor(personId, { member, pair, tag });
  if (facet === undefined) return own;
  return Filter.or(
    Filter.where("facets", "array-contains", facet),
    Filter.and(own, Filter.where("isLarge", "==", true)),
  );
}

function facetFor(
  personId: string,
  { member, pair, tag }: { readonly pair: [string, string] | undefined } & Pick<ChatFilter, "member" | "tag">,
): string | undefined {
  if (member !== undefined) return pairFacet(personId, member);
  if (pair !== undefined) return metadataFacet(personId, pair);
  return tag === undefined ? undefined : tagFacet(personId, tag);
}

export const fits = (
  head: ChatHead,
  personId: string | undefined,
  filter: Pick<ChatFilter, "kind" | "tag" | "member" | "metadata">,
): boolean =>
  head.status === "open" &&
  // Whoever has begun a temporary chat knows its number; nobody finds it in a list.
  !head.temporary &&
  (personId === undefined || head.members.includes(personId)) &&
  (filter.kind === undefined || head.kind === filter.kind) &&
  (filter.tag === undefined || head.tags.includes(filter.tag)) &&
  (filter.member === undefined || head.members.includes(filter.member)) &&
  hasPairs(head.metadata, filter.metadata);

const MICROS_PER_SECOND = 1_000_000n;

/** Firestore keeps microseconds, so a position in its order has to keep them too. */
const microsOf = (time: Timestamp): string =>
  String(BigInt(time.seconds) * MICROS_PER_SECOND + BigInt(Math.trunc(time.nanoseconds / 1000)));

const timestampOfMicros = (micros: string): Timestamp => {
  const value = BigInt(micros);
  return new Timestamp(Number(value / MICROS_PER_SECOND), Number(value % MICROS_PER_SECOND) * 1000);
};
