import { type ChatHandle } from "../chat-handle.ts";
import type { App } from "../../identity/app.ts";
import { holds } from "../../identity/permissions.ts";
import type { Principal } from "../../identity/principal.ts";
import type { Spend } from "../../identity/spend.ts";
import { decodeCursor, encodeCursor } from "../../platform/cursor.ts";
import type { NameWanted } from "../../words/name-keys.ts";
import type { ChatDeps } from "../log/chat-log.ts";
import { latestAtOf } from "../log/crowd-times.ts";
import type { Chat, ChatListQuery, ChatPage } from "../contract.ts";
import { access, type ChatHead, chatView, unreadCount } from "../log/head.ts";
import { cutPage, isArranged, listArranged } from "./list-arranged.ts";
import { type FoundHeads, HEADS_NAMED_AT_ONCE, listHeads } from "./list-heads.ts";
import { findNamedHeads, namedHeads } from "./name-heads.ts";
import { readDraft } from "../own/draft.ts";
import { unreadAsNoted } from "../own/noted-unread.ts";
import { headOf, type OwnStates, readHead, readHeadAndOwn, readOwnStates } from "../store.ts";

/** The caller has this revision already. */
export interface Unchanged {
  readonly unchanged: number;
}

/**
 * One chat. Costs 2 reads, 3 where the caller has a long draft; 1 when the caller knows its revision.
 * @throws AppError `not_found`
 */
export async function readChat(
  deps: ChatDeps,
  chat: ChatHandle,
  principal: Principal,
  isKnown: ((revision: number) => boolean) | undefined,
): Promise<Chat | Unchanged> {
  if (isKnown !== undefined) {
    const snapshot = await readHead(chat);
    const head = access(headOf(snapshot), principal);
    deps.chatLog.chats.remember(snapshot);
    if (isKnown(head.revision)) return { unchanged: head.revision };
  }
  const { snapshot, own } = await readHeadAndOwn(chat, principal.id);
  const head = access(headOf(snapshot), principal);
  deps.chatLog.chats.remember(snapshot);
  const view = chatView(head, principal.id, own);
  if (view.draft?.cut === undefined) return view;
  const { cut: _cut, ...draft } = view.draft;
  return { ...view, draft: { ...draft, text: (await readDraft(chat, principal.id)) ?? draft.text } };
}

/**
 * The caller's chats, those with the latest message first; all chats of the app for those who may see any.
 * Costs 1 query and 1 document; latest message and unread counts come with it. A page by name, tag, member,
 * metadata or one's own arrangement may hold fewer than there are, and say how to go on. The first page of
 * all chats says how many messages are unread in them together.
 * @throws AppError `invalid_request` for a cursor of another list
 */
export async function listChats(
  deps: ChatDeps,
  app: App,
  principal: Principal,
  query: ChatListQuery,
  {
    wanted,
    spend = () => Promise.resolve(),
  }: {
    /** What `q` looks for. */
    readonly wanted?: NameWanted | undefined;
    readonly spend?: Spend;
  } = {},
): Promise<ChatPage> {
  const { cursor, limit, archived, pinned, member, q, ...rest } = query;
  // Everything that people can list here has them as a member.
  const filter = { ...rest, member: member === principal.id ? undefined : member };
  const arrangement = { archived, pinned };
  const scope = ["chats", app.id, principal.id, JSON.stringify({ ...filter, archived, pinned, q })];
  const position = cursor === undefined ? undefined : decodeCursor(deps.keys, scope, cursor);
  const after =
    position === undefined
      ? undefined
      : { updatedAtMicros: String(position[0]), number: Number(position[1]) };
  const personId = holds(principal, "chat:any") && principal.kind !== "person" ? undefined : principal.id;
  const reading = readOwnStates(app, principal.id);
  const range = { ...filter, after, limit: limit + 1 };
  const lookThrough = (): Promise<FoundHeads> => {
    const named =
      wanted && ((heads: readonly ChatHead[]) => namedHeads(deps, app, heads, { personId, wanted, spend }));
    if (archived === true || pinned === true) {
      const of = { app, personId: principal.id };
      return reading.then((own) => listArranged(of, own, arrangement, { ...range, named }));
    }
    if (archived === undefined && pinned === undefined) return listHeads(app, personId, { ...range, named });
    const isShown = reading.then((own) => isArranged(own, arrangement));
    return listHeads(app, personId, { ...range, named, isShown });
  };
  const find = async (): Promise<FoundHeads> => {
    if (wanted === undefined || personId === undefined) return lookThrough();
    const all = await findNamedHeads(deps, app, personId, { wanted, spend });
    if (all !== undefined)
      return cutPage(all.filter(isArranged(await reading, arrangement)), personId, range);
    await spend(HEADS_NAMED_AT_ONCE);
    return lookThrough();
  };
  const [{ heads, goOnAfter, placeOf }, states] = await Promise.all([find(), reading]);
  const page = heads.slice(0, limit);
  const last = page.at(-1);
  const reached = heads.length > limit && last !== undefined ? placeOf(last) : goOnAfter;
  const isWhole = cursor === undefined && Object.keys(query).every((name) => name === "limit");
  return {
    data: sortedByLatest(page).map((head) => chatView(head, principal.id, states.of(head.number))),
    hasMore: reached !== undefined,
    next:
      reached === undefined
        ? null
        : encodeCursor(deps.keys, scope, [reached.updatedAtMicros, reached.number]),
    prev: null,
    ...(isWhole && personId !== undefined
      ? { unreadTotal: unreadTotal({ heads, isAll: reached === undefined }, personId, states) }
      : {}),
  };
}

/** Lists place a crowd a little behind its latest message; on its page it is told in order. */
const sortedByLatest = (heads: readonly ChatHead[]): ChatHead[] =>
  [...heads].sort(
    (a, b) => latestAtOf(b).valueOf().localeCompare(latestAtOf(a).valueOf()) || b.number - a.number,
  );

/** The chats of the page tell themselves; of those beyond it, it is noted how many are unread. */
function unreadTotal(
  { heads, isAll }: { readonly heads: readonly ChatHead[]; readonly isAll: boolean },
  personId: string,
  states: OwnStates,
): number {
  const onPage = new Set(heads.map(({ number }) => number));
  const beyond = isAll ? [] : [...states.unread].filter(([chat]) => !onPage.has(chat));
  return (
    heads.reduce((sum, head) => sum + unreadCount(head, personId, states.of(head.number).read), 0) +
    beyond.reduce((sum, [chat, note]) => sum + unreadAsNoted(note, states.of(chat).read), 0)
  );
}
