import { type ChatHandle, chatHandle } from "../chat/chat-handle.ts";
import type { ChatDeps } from "../chat/log/chat-log.ts";
import type { Message } from "../chat/contract.ts";
import { access, type ChatHead } from "../chat/log/head.ts";
import { messageView } from "../chat/log/message.ts";
import { isVisible } from "../chat/log/sight.ts";
import { listChangedChats, readProgress, readProgressOf } from "../chat/store.ts";
import type { App } from "../identity/app.ts";
import { holds } from "../identity/permissions.ts";
import type { Principal } from "../identity/principal.ts";
import { currentContext } from "../platform/context.ts";
import { AppError } from "../platform/errors.ts";
import type { Hit, HitPage, SearchQuery } from "./contract.ts";
import { decodePlace, encodePlace, type Place } from "./page-cursor.ts";
import { parseTerms, type Term } from "./parse-terms.ts";
import { type Ranked, rankEntries } from "./rank-entries.ts";
import type { QueryCost } from "./explain-query.ts";
import { searchRecent } from "./search-recent.ts";
import { showMessage } from "./show-hit.ts";
import { behind, BY_CHAT_MAX, type EntryFilter, listByChat, type Reach, readChecked } from "./store.ts";
import { readWindow, type Window, waysOf } from "./windows.ts";

/**
 * Documents that one search reads at most: entries, messages with the heads of their chats, and what is
 * needed besides.
 */
export const READS_MAX = 300;
const ENTRY_READS_MAX = 150;
/** Chats that are asked whether their index lags: each is a head and its progress. */
const LAGGING_CHATS_MAX = 10;
/** With what is looked at for lag, BY_CHAT_MAX and one more no more than READS_MAX. */
const CHECK_READS_MAX = 100;
/** Entries that are ranked among one another. */
export const WINDOW = 100;
/** With less left to read, the next page goes on; no query of a window then reads more than its share. */
const WINDOW_MIN = 20;
/** An index that lags lags behind what was written within this time too. */
export const LAG_LOOK_MS = 60_000;

export type MessageHit = Hit<Message>;
export type SearchPage = HitPage<Message>;

/** What one search is about. */
export interface Search {
  readonly app: App;
  readonly principal: Principal;
  readonly terms: readonly Term[];
  readonly filter: EntryFilter;
  readonly limit: number;
  /** The one chat that is searched. */
  readonly chat: ChatHead | undefined;
  /** Whose chats are searched; undefined: all of the app. */
  readonly person: string | undefined;
}

/**
 * Messages of the caller's chats, or of one, that have all words and phrases of a query, the best first among
 * the newest WINDOW. When the first page is not filled, words of four letters and more may be misspelt. When
 * the index can't be asked, recent messages are searched. Only chats that the caller is a member of now are
 * told of, and messages as they are now.
 *
 * Costs at most READS_MAX reads: for each page 1 or 2 queries and a read for each entry looked at, and for
 * each hit one of its message and one of its chat, once a chat.
 * @throws AppError `not_found`, `invalid_request` for a cursor of another search, `unavailable`
 */
export async function searchMessages(
  deps: ChatDeps,
  app: App,
  principal: Principal,
  query: SearchQuery,
): Promise<SearchPage> {
  const { q, chat, cursor, limit, from, to, tag, sender } = query;
  const filter = { fromMs: from, toMs: to, tag, sender };
  const cursorScope = ["search", app.id, principal.id, JSON.stringify([q, chat ?? null, filter])];
  const place = cursor === undefined ? undefined : decodePlace(deps.keys, cursorScope, cursor);
  const terms = parseTerms(q);
  if (terms.length === 0) return { data: [], hasMore: false, next: null, prev: null, partial: false };
  const one = chat === undefined ? undefined : await readSearched(chatHandle(app, chat), principal);
  const person = holds(principal, "chat:any") && principal.kind !== "person" ? undefined : principal.id;
  const search: Search = { app, principal, terms, filter, limit, chat: one?.head, person };
  try {
    const [{ reaches, isCut }, lags] = await Promise.all([
      reachesOf(search),
      one?.lags ?? lagsSomewhere(deps, app, person),
    ]);
    const { hits, next, isCut: isEnded } = await collect(deps, search, reaches, place);
    return {
      data: hits,
      hasMore: next !== undefined,
      next: next === undefined ? null : encodePlace(deps.keys, cursorScope, next),
      prev: null,
      partial: isCut || isEnded || lags,
    };
  } catch (cause) {
    if (place !== undefined || (cause instanceof AppError && cause.code !== "unavailable")) throw cause;
    deps.log.error("The search index could not be asked; recent messages are searched.", cause, {
      app: app.id,
    });
    const data = await searchRecent(deps, search);
    return { data, hasMore: false, next: null, prev: null, partial: true };
  }
}

/** The chat, and whether there are messages in it that have no entry yet. Two reads in one call. */
async function readSearched(
  chat: ChatHandle,
  principal: Principal,
): Promise<{ head: ChatHead; lags: boolean }> {
  const { head, progress } = await readProgress(chat);
  const open = access(head, principal);
  return { head: open, lags: progress.revision < open.revision };
}

/**
 * Whether a chat of the person has changed of late and is not indexed up to its head: of those that changed
 * in the last LAG_LOOK_MS, the LAGGING_CHATS_MAX that have waited longest. A single event that was lost
 * before that is not noticed here; the reconciler makes up for it. 1 query, and 2 reads for each chat;
 * nothing for servers, which search the whole app.
 */
async function lagsSomewhere(deps: ChatDeps, app: App, person: string | undefined): Promise<boolean> {
  if (person === undefined) return false;
  const chats = await listChangedChats(app, person, {
    sinceMs: deps.clock.now() - LAG_LOOK_MS,
    limit: LAGGING_CHATS_MAX,
  });
  const progress = await readProgressOf(app, chats);
  return chats.some(({ number, revision }) => (progress.get(number) ?? 0) < revision);
}

/** Where the person's messages are: at most one query. `isCut`: in more chats than are searched by number. */
async function reachesOf({ app, chat, person }: Search): Promise<{ reaches: Reach[]; isCut: boolean }> {
  if (chat !== undefined) return { reaches: [{ of: "chats", chats: [chat.number] }], isCut: false };
  if (person === undefined) return { reaches: [{ of: "app" }], isCut: false };
  const byChat = await listByChat(app, person);
  const reaches: Reach[] = [{ of: "member", person }];
  if (byChat.length > 0) reaches.push({ of: "chats", chats: byChat.slice(0, BY_CHAT_MAX) });
  return { reaches, isCut: byChat.length > BY_CHAT_MAX };
}

interface Collected {
  readonly hits: MessageHit[];
  /** Where the next page begins; undefined at the end. */
  readonly next: Place | undefined;
  /** There may be more, but the index failed on the way. */
  readonly isCut: boolean;
}

/**
 * Of a request that is recorded for a trace Firestore is asked what its queries took: how many entries it
 * goes through for what it finds is what makes a search slow, and can't be told from outside.
 */
function explainer(deps: ChatDeps, app: App): ((cost: QueryCost) => void) | undefined {
  if (currentContext()?.recording === undefined) return undefined;
  return (cost) =>
    deps.log.write("INFO", "A query of the search index was explained.", {
      event: "search.explained",
      app: app.id,
      ...cost,
    });
}

/** Window after window until the page is full, everything has been looked at, or enough has been read. */
async function collect(
  deps: ChatDeps,
  search: Search,
  reaches: readonly Reach[],
  begin: Place | undefined,
): Promise<Collected> {
  const { app, terms, filter, limit } = search;
  const budget = { entries: ENTRY_READS_MAX, checks: CHECK_READS_MAX };
  const heads = new Map<number, ChatHead | undefined>();
  if (search.chat !== undefined) heads.set(search.chat.number, search.chat);
  const hits: MessageHit[] = [];
  let place: Place = begin ?? { phase: "exact", atMs: deps.clock.now() };
  for (;;) {
    const { phase, atMs, from, until, rank } = place;
    const size = Math.min(WINDOW, budget.entries);
    let window: Window;
    try {
      window = await readWindow(app, reaches, filter, {
        ways: waysOf(terms, phase),
        stretch: { from, until },
        limit: size,
        explained: explainer(deps, app),
      });
    } catch (cause) {
      if (hits.length === 0) throw cause;
      deps.log.error("The search index did not answer to the end.", cause, { app: app.id });
      return { hits, next: undefined, isCut: true };
    }
    budget.entries -= window.reads;
    const ranked = rankEntries(window.entries, terms, { phase, atMs, behind: rank });
    const taken = await confirmHits(deps, search, ranked, {
      phase,
      heads,
      budget,
      most: limit - hits.length,
    });
    hits.push(...taken.hits);
    const here = { ...place, from: from ?? window.entries[0]?.id, until: window.until ?? until };
    const end = window.until ?? until;
    if (taken.rank !== undefined) return { hits, next: { ...here, rank: taken.rank }, isCut: false };
    const onward = end === undefined ? nearPlace(place, begin, terms) : { phase, atMs, from: behind(end) };
    const isFull = hits.length >= limit;
    if (onward === undefined || (isFull && onward.phase !== phase))
      return { hits, next: undefined, isCut: false };
    if (isFull || budget.entries < WINDOW_MIN || budget.checks < 2)
      return { hits, next: onward, isCut: false };
    place = onward;
  }
}

/** Misspelt words are looked for when the exact hits did not fill the first page. */
function nearPlace(
  { phase, atMs }: Place,
  begin: Place | undefined,
  terms: readonly Term[],
): Place | undefined {
  const mayBeMisspelt = terms.some(({ isTolerant }) => isTolerant);
  return phase === "exact" && begin === undefined && mayBeMisspelt ? { phase: "near", atMs } : undefined;
}

interface Checking {
  readonly phase: Place["phase"];
  readonly heads: Map<number, ChatHead | undefined>;
  readonly budget: { checks: number };
  readonly most: number;
}

/**
 * The first ranked entries whose messages still match. `rank`: of the last one checked, where there are more.
 */
async function confirmHits(
  deps: ChatDeps,
  search: Search,
  ranked: readonly Ranked[],
  { phase, heads, budget, most }: Checking,
): Promise<{ hits: MessageHit[]; rank: Place["rank"] }> {
  const hits: MessageHit[] = [];
  let at = 0;
  while (at < ranked.length && hits.length < most && budget.checks >= 2) {
    const part = ranked.slice(at, at + Math.min(most - hits.length, Math.floor(budget.checks / 2)));
    const known = heads.size;
    const entries = part.map(({ entry }) => entry);
    const checked = await readChecked(deps.firestore, search.app, entries, heads);
    budget.checks -= part.length + heads.size - known;
    for (const [index, { entry, score }] of part.entries()) {
      const { message, head } = checked[index] ?? {};
      if (message === undefined || head === undefined || !mayTell(search, head)) continue;
      if (!isVisible(head, search.principal.id, message)) continue;
      const view = messageView(entry.stored.message, message);
      const shown =
        message.status === "deleted"
          ? undefined
          : showMessage({ text: view.text, body: message.body }, search.terms, phase === "near");
      if (shown !== undefined) hits.push({ message: view, chat: entry.stored.chat, score, ...shown });
    }
    at += part.length;
  }
  const last = ranked[at - 1];
  if (at >= ranked.length) return { hits, rank: undefined };
  return { hits, rank: last === undefined ? undefined : { score: last.score, id: last.entry.id } };
}

const mayTell = ({ person, chat, filter }: Search, head: ChatHead): boolean =>
  head.status === "open" &&
  (person === undefined || chat !== undefined || head.members.includes(person)) &&
  (filter.tag === undefined || head.tags.includes(filter.tag));
