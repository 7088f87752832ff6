import { jobSignal } from "../chat/log/signal.ts";
import type { App } from "../identity/app.ts";
import { jobView, type StoredJob } from "../jobs/jobs.ts";
import type { Deps } from "../platform/deps.ts";
import type { Transaction, WriteBatch } from "../platform/firestore.ts";
import { Timestamp } from "../platform/firestore-values.ts";

/** What has become of a transfer, and what it has made, is kept for so long once it is over. */
export const RESULT_KEPT_MS = 7 * 24 * 3600 * 1000;

export const isOver = ({ state }: Pick<StoredJob, "state">): boolean =>
  state === "completed" || state === "failed";

/** Until when one is kept that ends now. */
export const ended = (nowMs: number): Pick<StoredJob, "expireAt"> => ({
  expireAt: Timestamp.fromMillis(nowMs + RESULT_KEPT_MS),
});

/** Tells the person's streams how a transfer stands, in the commit that brings it there. 1 write. */
export function tellOf(
  deps: Pick<Deps, "clock">,
  app: App,
  writer: WriteBatch | Transaction,
  { id, stored }: { readonly id: string; readonly stored: StoredJob },
): void {
  const { createdBy: person } = stored;
  if (person === undefined) return;
  const { ref, data } = jobSignal(deps, app, person, jobView(id, stored));
  (writer as WriteBatch).set(ref, data);
}
