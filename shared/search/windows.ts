import type { App } from "../identity/app.ts";
import type { Term } from "./parse-terms.ts";
import { planCharacters, planGrams, rarityOf } from "./plan-grams.ts";
import type { Phase } from "./rank-entries.ts";
import { spellingsNear } from "./spelling.ts";
import {
  type Clause,
  DISJUNCTIONS_MAX,
  type EntryFilter,
  type EntryQuery,
  type FoundEntry,
  listEntries,
  type Reach,
  type Stretch,
  type Ways,
} from "./store.ts";

/** Grams that the other words are narrowed down by where one is looked for misspelt. */
const FIXED_GRAMS_MAX = 3;
/** Of a word that is one letter shorter: a query has at most 100 conditions. */
const SHORTER_GRAMS_MAX = 2;

/** How texts that may have all terms are found. */
export function waysOf(terms: readonly Term[], phase: Phase): Ways {
  if (phase === "exact") {
    return { grams: [], any: [{ grams: planGrams(terms) }, { grams: planCharacters(terms), isWide: true }] };
  }
  const word = anchorOf(terms);
  if (word === undefined) return { grams: [], any: [] };
  const fixed = terms.filter((term) => !term.isTolerant);
  const grams = fixed.length === 0 ? [] : planGrams(fixed, FIXED_GRAMS_MAX);
  const { spellings, words } = spellingsNear(word.text);
  const asIs = (text: string): Clause => ({
    grams: planGrams([{ text, isTolerant: false }], SHORTER_GRAMS_MAX),
  });
  const near = [...spellings.map((spelling) => ({ spelling })), ...words.map(asIs)];
  // With another word that may be misspelt this one may be right.
  const isAlone = terms.every((term) => term === word || !term.isTolerant);
  const any = isAlone ? near : [asIs(word.text), ...near];
  return { grams, any: any.slice(0, DISJUNCTIONS_MAX) };
}

/** The word by which texts are found in the near phase: the longest says most. */
function anchorOf(terms: readonly Term[]): Term | undefined {
  const tolerant = terms.filter(({ isTolerant }) => isTolerant);
  return tolerant.sort((a, b) => b.text.length - a.text.length || rarityOf(a) - rarityOf(b))[0];
}

/** The entries of a stretch, as far as they were read. */
export interface Window {
  readonly entries: readonly FoundEntry[];
  /** The last entry, where there may be more behind it. */
  readonly until: string | undefined;
  /** Documents that were read. */
  readonly reads: number;
}

/**
 * Reads the next entries of a stretch that are found in any of the reaches, newest first. Each query has at
 * most DISJUNCTIONS_MAX disjunctions, so many chats take several; all of them share the limit.
 */
export async function readWindow(
  app: App,
  reaches: readonly Reach[],
  filter: EntryFilter,
  { stretch, limit, ...query }: Omit<EntryQuery, "filter"> & { readonly stretch: Stretch },
): Promise<Window> {
  const queries = reaches.flatMap((reach) => split(reach, query.ways.any.length));
  const each = Math.max(1, Math.floor(limit / queries.length));
  const lists = await Promise.all(
    queries.map((reach) => listEntries(app, reach, { ...query, filter, limit: each }, stretch)),
  );
  const ends = lists.flatMap((list) => (list.length < each ? [] : (list.at(-1)?.id ?? [])));
  // Beyond the first list that was cut off something may be missing.
  const until = ends.length === 0 ? undefined : ends.reduce((a, b) => (a < b ? a : b));
  const byId = new Map(lists.flat().map((entry) => [entry.id, entry]));
  const entries = [...byId.values()]
    .filter(({ id }) => until === undefined || id <= until)
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  return { entries, until, reads: lists.reduce((sum, list) => sum + Math.max(1, list.length), 0) };
}

function split(reach: Reach, clauses: number): Reach[] {
  if (reach.of !== "chats") return [reach];
  const size = Math.max(1, Math.floor(DISJUNCTIONS_MAX / clauses));
  const parts: Reach[] = [];
  for (let from = 0; from < reach.chats.length; from += size) {
    parts.push({ of: "chats", chats: reach.chats.slice(from, from + size) });
  }
  return parts;
}
