import { GRPC, grpcCode } from "../platform/errors.ts";
import { Timestamp } from "../platform/firestore-values.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";
import type { App } from "./app.ts";
import { type StoredUser, userRef } from "./store.ts";

/** An account says to within this time when the person was seen last; more often it is not written. */
export const LAST_SEEN_MS = 10 * 60_000;

export const isSeenLongAgo = ({ lastSeenAt }: StoredUser, nowMs: number): boolean =>
  lastSeenAt.toMillis() <= nowMs - LAST_SEEN_MS;

/** Notes that the person was seen, where there is still an account. 1 write. */
export async function noteSeen(app: App, person: string, nowMs: number): Promise<void> {
  try {
    await within(READ_MS_MAX, userRef(app, person).update({ lastSeenAt: Timestamp.fromMillis(nowMs) }));
  } catch (cause) {
    if (grpcCode(cause) !== GRPC.notFound) throw cause;
  }
}
