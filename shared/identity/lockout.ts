import { storedAs } from "../platform/stored.ts";
import type { Deps } from "../platform/deps.ts";
import type { DocumentReference, Transaction } from "../platform/firestore.ts";
import { Timestamp } from "../platform/firestore-values.ts";
import type { App } from "./app.ts";
import type { Caller } from "./caller.ts";
import { addSecurityEvent, securityEventsOf } from "./security-event.ts";

/** So many failures within LOCKOUT_MS lock an address: two challenges guessed to their end. */
export const FAILURES_MAX = 10;
export const LOCKOUT_MS = 30 * 60 * 1000;

/** Failed sign-ins with one address, or failed second factors of one person. */
interface StoredLockout {
  readonly failures: number;
  readonly since: Timestamp;
  readonly lockedUntil: Timestamp | null;
  readonly expireAt: Timestamp;
}
export const storedLockout = storedAs<StoredLockout>();

export interface Lockout {
  readonly ref: DocumentReference;
  readonly stored: StoredLockout | undefined;
  readonly isLocked: boolean;
}

/** `name` is a keyed hash: nothing here says which addresses there are. 1 read. */
export async function readLockout(
  deps: Pick<Deps, "clock">,
  app: App,
  name: string,
  transaction?: Transaction,
): Promise<Lockout> {
  const ref = app.collection("lockouts").doc(name);
  const found = transaction === undefined ? await ref.get() : await transaction.get(ref);
  const stored = storedLockout(found);
  return { ref, stored, isLocked: (stored?.lockedUntil?.toMillis() ?? 0) > deps.clock.now() };
}

/** Counts a failure and records it; the last one locks, and that is recorded too. 2 or 3 writes. */
export function addFailure(
  deps: Pick<Deps, "clock">,
  app: App,
  transaction: Transaction,
  {
    lockout,
    event,
  }: {
    readonly lockout: Lockout;
    readonly event: {
      readonly kind: "sign-in-failed" | "factor-failed";
      readonly subject: string;
      readonly caller: Caller;
    };
  },
): void {
  const now = deps.clock.now();
  const { stored } = lockout;
  const isRecent = stored !== undefined && now - stored.since.toMillis() < LOCKOUT_MS;
  const failures = (isRecent ? stored.failures : 0) + 1;
  const locks = failures >= FAILURES_MAX;
  const next: StoredLockout = {
    failures: locks ? 0 : failures,
    since: isRecent ? stored.since : Timestamp.fromMillis(now),
    lockedUntil: locks ? Timestamp.fromMillis(now + LOCKOUT_MS) : null,
    expireAt: Timestamp.fromMillis(now + 2 * LOCKOUT_MS),
  };
  transaction.set(lockout.ref, { ...next });
  addSecurityEvent(deps, transaction, securityEventsOf(app), { event });
  if (!locks) return;
  addSecurityEvent(deps, transaction, securityEventsOf(app), {
    event: {
      kind: "address-locked",
      subject: event.subject,
      caller: event.caller,
      details: { minutes: LOCKOUT_MS / 60_000 },
    },
  });
}

/** After a success the count starts again. */
export function clearFailures(transaction: Transaction, lockout: Lockout): void {
  if (lockout.stored !== undefined) transaction.delete(lockout.ref);
}
