import type { App } from "../identity/app.ts";
import type { ChatHead } from "../chat/log/head.ts";
import { PAGE_MAX, type Page, readPage } from "./change-events.ts";
import { CATCH_UP, type LiveEvent, type Sink } from "./contract.ts";

/** How much of the past may still be told to one reader. */
export interface Allowance {
  changes: number;
  chars: number;
}

export const wholeAllowance = (): Allowance => ({ changes: CATCH_UP.changesMax, chars: CATCH_UP.charsMax });

export const isUsedUp = ({ changes, chars }: Allowance): boolean => changes <= 0 || chars <= 0;

/** The first page is small, as nobody knows how large the messages are; the next is what fits into this. */
const PAGE_MIN = 10;
const PAGE_CHARS = 500_000;

/**
 * Tells one reader what changed in a chat after a revision, as fast as they read: no page is read before all
 * that was written has been taken, so a reader who takes nothing costs one page. Ends where everything up to
 * `end()` has been told, the allowance is used up, or nobody reads any more; resolves with the revision that
 * it came to.
 *
 * Costs a query for each page and a read for each message, of at most `allowance.changes`; all of them count
 * against the reader's limit.
 * @throws AppError `quota_exceeded`, and whatever `headNow` throws
 */
export async function tellChanges(
  app: App,
  after: number,
  sink: Sink,
  {
    allowance,
    headNow,
    end,
    eventsOf,
  }: {
    readonly allowance: Allowance;
    /** The head as it is now. @throws AppError `not_found` for those who may not read it any more */
    readonly headNow: () => Promise<ChatHead>;
    readonly end: (head: ChatHead) => number;
    readonly eventsOf: (page: Page, known: number) => readonly LiveEvent[];
  },
): Promise<number> {
  let through = after;
  let pageSize = PAGE_MIN;
  for (;;) {
    const head = await headNow();
    if (!sink.isOpen || through >= end(head) || isUsedUp(allowance)) return through;
    const limit = Math.min(pageSize, allowance.changes);
    await sink.pay(limit);
    const page = await readPage(app, head, through, limit);
    let chars = 0;
    for (const event of eventsOf(page, through)) {
      chars += sink.send([event]);
      await sink.room();
    }
    through = page.through;
    allowance.changes -= Math.max(1, page.rows.length);
    allowance.chars -= chars;
    const charsEach = Math.max(1, chars / Math.max(1, page.rows.length));
    pageSize = Math.max(1, Math.min(PAGE_MAX, Math.floor(PAGE_CHARS / charsEach)));
    await sink.room(0);
  }
}

/** Tells that more has changed than is told: where the reader has to go on by itself. */
export const skipped = (id: number | string, chat: number | null, revision: number | null): LiveEvent => ({
  id,
  event: "catchup.skipped",
  data: { chat, revision },
});
