import { chatHandle } from "../chat/chat-handle.ts";
import type { ChatDeps } from "../chat/log/chat-log.ts";
import type { ChatHead } from "../chat/log/head.ts";
import { listHeads } from "../chat/read/list-heads.ts";
import { messageView } from "../chat/log/message.ts";
import type { Row } from "../chat/branches/read-path.ts";
import { isVisible } from "../chat/log/sight.ts";
import { wholeText } from "../chat/log/body.ts";
import { listNumbered } from "../chat/blocks/read-blocks.ts";
import { senderOf } from "./entry.ts";
import { foldText } from "../words/fold.ts";
import { matchText } from "./match-text.ts";
import { scoreOf, weighTerms } from "./score.ts";
import type { MessageHit, Search } from "./search-messages.ts";
import { showMessage } from "./show-hit.ts";

/** Messages that are searched without the index, over the caller's chats with the latest activity. */
export const RECENT_MESSAGES = 100;
export const RECENT_CHATS = 10;

/**
 * Searches recent messages themselves: what is left when the index can't be asked. 1 query and a read for
 * each chat, and for each a read or two of its blocks; without these a query and a read for each message, of
 * which there are at most RECENT_MESSAGES.
 */
export async function searchRecent(deps: ChatDeps, search: Search): Promise<MessageHit[]> {
  const { app, terms, filter, limit, chat, person } = search;
  const chats =
    chat === undefined
      ? (await listHeads(app, person, { tag: filter.tag, limit: RECENT_CHATS })).heads
      : [chat];
  const each = Math.floor(RECENT_MESSAGES / Math.max(1, chats.length));
  const lists = await Promise.all(
    chats
      .filter((head) => filter.tag === undefined || head.tags.includes(filter.tag))
      .map(async (head) => ({
        head,
        rows: await listNumbered(
          chatHandle(app, head.number),
          { before: head.lastNumber + 1, order: "desc", limit: each },
          head.revision,
        ),
      })),
  );
  const weights = weighTerms(terms);
  const now = deps.clock.now();
  const hits = lists.flatMap(({ head, rows }) =>
    rows.flatMap((row) => hitOf(search, head, row, { weights, now }) ?? []),
  );
  return hits.sort((a, b) => b.score - a.score).slice(0, limit);
}

function hitOf(
  { terms, filter, principal }: Search,
  head: ChatHead,
  { id, stored }: Row,
  { weights, now }: { readonly weights: readonly number[]; readonly now: number },
): MessageHit | undefined {
  const createdMs = stored.createdAt.toMillis();
  const isOutside =
    createdMs < (filter.fromMs ?? Number.NEGATIVE_INFINITY) ||
    createdMs > (filter.toMs ?? Number.POSITIVE_INFINITY);
  const isFromOther = filter.sender !== undefined && senderOf(stored) !== filter.sender;
  if (isOutside || isFromOther || stored.status === "deleted") return undefined;
  if (!isVisible(head, principal.id, stored)) return undefined;
  const view = messageView(id, stored);
  const folded = foldText(wholeText(stored.body));
  const match = matchText(folded, terms, true);
  const shown = match && showMessage({ text: view.text, body: stored.body }, terms, true);
  if (match === undefined || shown === undefined) return undefined;
  const score = scoreOf(weights, { match, chars: folded.length, ageMs: now - createdMs });
  return { message: view, chat: head.number, score, ...shown };
}
