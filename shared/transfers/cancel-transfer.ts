import type { App } from "../identity/app.ts";
import type { Principal } from "../identity/principal.ts";
import { TRANSACTION_MS_MAX } from "../identity/store.ts";
import type { Deps } from "../platform/deps.ts";
import { Timestamp } from "../platform/firestore-values.ts";
import { within } from "../platform/within.ts";
import { theirs } from "./read-transfers.ts";
import { transferRef } from "./store.ts";
import { ended, isOver, tellOf } from "./tell-of.ts";

/**
 * Ends a transfer where it is: what it has brought stays, and its step under way writes no more of the job.
 * One that is over stays as it ended. Idempotent. 1 transaction with 1 read and 2 writes.
 * @throws AppError `not_found`
 */
export async function cancelTransfer(
  deps: Pick<Deps, "firestore" | "clock">,
  app: App,
  by: Principal,
  id: string,
): Promise<void> {
  const ref = transferRef(app, id);
  const work = deps.firestore.runTransaction(async (transaction) => {
    const stored = theirs(await transaction.get(ref), by);
    if (isOver(stored)) return;
    const nowMs = deps.clock.now();
    const next = {
      state: "failed" as const,
      error: { code: "cancelled", message: "It was cancelled." },
      leaseUntil: null,
      updatedAt: Timestamp.fromMillis(nowMs),
      ...ended(nowMs),
    };
    transaction.update(ref, next);
    tellOf(deps, app, transaction, { id, stored: { ...stored, ...next } });
  });
  await within(TRANSACTION_MS_MAX, work);
}
