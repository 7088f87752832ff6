import { fingerprint } from "../../platform/ids.ts";
import type { Metadata } from "../../platform/contract.ts";

/**
 * Firestore finds documents by one element of one array in a query. A list of one's chats uses that for
 * oneself, so a list of one's chats with somebody, or with a tag or metadata, looks for an element that
 * stands for both.
 */
export interface Faceted {
  readonly members: readonly string[];
  readonly tags: readonly string[];
  readonly metadata?: Metadata;
  /**
   * For every two members, every member and tag, every member and pair of metadata; and for every pair of
   * metadata by itself, which are there in large chats too.
   */
  readonly facets: readonly string[];
  /**
   * A chat with more than FACETS_MAX facets of its members is found by its members, and filtered afterwards.
   */
  readonly isLarge: boolean;
  /** Whether the chat has so many members that its messages are searched by chat and not by member. */
  readonly isCrowd: boolean;
}

/** In a larger chat a change of members would rewrite too many search entries. */
export const CROWD_MEMBERS = 50;
/** In a longer chat it would, too. Whoever joins then is a latecomer, and finds what was said by chat. */
export const RESCOPED_MESSAGES_MAX = 1_000;

/**
 * Each is an index entry that every message of the chat moves: enough for 11 members without tags. Pairs of
 * metadata by themselves come on top, METADATA_PAIRS_MAX at most.
 */
export const FACETS_MAX = 64;
const CHARS = 10;

export const pairFacet = (a: string, b: string): string =>
  fingerprint("members", ...[a, b].sort()).slice(0, CHARS);
export const tagFacet = (member: string, tag: string): string =>
  fingerprint("tag", member, tag).slice(0, CHARS);
/** Of the chats of one member, or of all chats. */
export const metadataFacet = (member: string | undefined, [key, value]: readonly [string, string]): string =>
  fingerprint("metadata", member ?? "", key, value).slice(0, CHARS);

/**
 * The latecomers once these are the members, where nobody but latecomers join: then no entry is written anew.
 * Undefined when more changes than that.
 */
export function latecomersWith(
  {
    members,
    latecomers = [],
    lastNumber,
  }: Pick<Faceted, "members"> & { readonly latecomers?: readonly string[]; readonly lastNumber: number },
  next: readonly string[],
): readonly string[] | undefined {
  const joining = next.filter((member) => !members.includes(member));
  const isAll = next.length === members.length + joining.length;
  if (!isAll || lastNumber <= RESCOPED_MESSAGES_MAX || next.length > CROWD_MEMBERS) return undefined;
  return [...latecomers, ...joining];
}

export function facetsOf({
  members,
  tags,
  metadata = {},
}: Pick<Faceted, "members" | "tags" | "metadata">): Pick<Faceted, "facets" | "isLarge" | "isCrowd"> {
  const isCrowd = members.length > CROWD_MEMBERS;
  const noted = Object.entries(metadata);
  const ofAll = noted.map((pair) => metadataFacet(undefined, pair));
  const count = (members.length * (members.length - 1)) / 2 + members.length * (tags.length + noted.length);
  if (count > FACETS_MAX) return { facets: ofAll, isLarge: true, isCrowd };
  const pairs = members.flatMap((a, index) => members.slice(index + 1).map((b) => pairFacet(a, b)));
  const tagged = members.flatMap((member) => tags.map((tag) => tagFacet(member, tag)));
  const notedOf = members.flatMap((member) => noted.map((pair) => metadataFacet(member, pair)));
  return { facets: [...pairs, ...tagged, ...notedOf, ...ofAll], isLarge: false, isCrowd };
}
