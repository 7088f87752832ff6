import { fingerprint } from "../../platform/ids.ts";

/**
 * Firestore finds documents by one element of one array in a query. A list of one's chats uses that for
 * oneself, so a list of one's chats with somebody, or with a tag, looks for an element that stands for both.
 */
export interface Faceted {
  readonly members: readonly string[];
  readonly tags: readonly string[];
  /** For every two members, and every member and tag. */
  readonly facets: readonly string[];
  /** A chat with more than FACETS_MAX facets is found by its members, and filtered afterwards. */
  readonly isLarge: boolean;
  /** Whether the chat has so many members that its messages are searched by chat and not by member. */
  readonly isCrowd: boolean;
}

/** In a larger chat a change of members would rewrite too many search entries. */
export const CROWD_MEMBERS = 50;

/** Each is an index entry that every change of the chat moves: enough for 11 members without tags. */
export const FACETS_MAX = 64;
const CHARS = 10;

export const pairFacet = (a: string, b: string): string =>
  fingerprint("members", ...[a, b].sort()).slice(0, CHARS);
export const tagFacet = (member: string, tag: string): string =>
  fingerprint("tag", member, tag).slice(0, CHARS);

export function facetsOf({
  members,
  tags,
}: Pick<Faceted, "members" | "tags">): Pick<Faceted, "facets" | "isLarge" | "isCrowd"> {
  const isCrowd = members.length > CROWD_MEMBERS;
  const count = (members.length * (members.length - 1)) / 2 + members.length * tags.length;
  if (count > FACETS_MAX) return { facets: [], isLarge: true, isCrowd };
  const pairs = members.flatMap((a, index) => members.slice(index + 1).map((b) => pairFacet(a, b)));
  const tagged = members.flatMap((member) => tags.map((tag) => tagFacet(member, tag)));
  return { facets: [...pairs, ...tagged], isLarge: false, isCrowd };
}
