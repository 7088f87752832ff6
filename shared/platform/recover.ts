import { eachConcurrently } from "./each-concurrently.ts";
import type { Query, QueryDocumentSnapshot } from "./firestore.ts";
import { READ_MS_MAX, within } from "./within.ts";

/** Documents of one query. */
export const RECOVER_PAGE = 500;
/** A run looks no longer than this; its schedule runs each minute, or each five. */
export const RECOVER_MS_MAX = 40_000;
/** Tasks that are enqueued at once. */
const AT_ONCE = 50;
/**
 * What was enqueued again and is still not done after this is enqueued under another name: the name of a task
 * that its queue has given up stays taken for up to a day.
 */
export const AGAIN_MS = 15 * 60_000;

/**
 * Which time it is that something overdue is enqueued. The first has no name of its own, so a task that waits
 * is not doubled.
 */
export const timesOverdue = (nowMs: number, dueMs: number): number =>
  Math.max(0, Math.floor((nowMs - dueMs) / AGAIN_MS));

/**
 * Goes through all that a query finds, the longest overdue first: those that fail again and again do not
 * stand before the others. 1 query for each RECOVER_PAGE, a read for each.
 * @returns how many, and whether there was no time for the rest; the next run begins anew
 * @throws when Firestore fails, or what `recover` throws
 */
export async function recoverEach(
  overdue: Query,
  recover: (document: QueryDocumentSnapshot) => Promise<void>,
): Promise<{ recovered: number; isCut: boolean }> {
  const endMs = performance.now() + RECOVER_MS_MAX;
  let page = overdue.limit(RECOVER_PAGE);
  for (let recovered = 0; ;) {
    const { docs } = await within(READ_MS_MAX, page.get());
    await eachConcurrently(AT_ONCE, docs, recover);
    recovered += docs.length;
    const last = docs.at(-1);
    if (last === undefined || docs.length < RECOVER_PAGE) return { recovered, isCut: false };
    if (performance.now() > endMs) return { recovered, isCut: true };
    page = page.startAfter(last);
  }
}
