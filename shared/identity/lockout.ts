import { storedAs } from "../platform/stored.ts";
import type { Deps } from "../platform/deps.ts";
import type { DocumentReference, Transaction } from "../platform/firestore.ts";
import { Timestamp } from "../platform/firestore-values.ts";
import type { App } from "./app.ts";
import type { Caller } from "./caller.ts";
import { addSecurityEvent, securityEventsOf } from "./security-event.ts";

/** So many failures of one source within LOCKOUT_MS lock it out: two challenges guessed to their end. */
export const FAILURES_MAX = 10;
/** So many of all sources together lock out everybody but devices that are known. */
export const SUBJECT_FAILURES_MAX = 30;
export const LOCKOUT_MS = 30 * 60 * 1000;

/** Failed sign-ins with one address, or failed second factors of one person: of one source, or of all. */
interface StoredLockout {
  readonly failures: number;
  readonly since: Timestamp;
  readonly lockedUntil: Timestamp | null;
  readonly expireAt: Timestamp;
}
const storedLockout = storedAs<StoredLockout>();

interface Count {
  readonly of: "source" | "subject";
  readonly ref: DocumentReference;
  readonly stored: StoredLockout | undefined;
}

/** What is being guessed at, and by whom. */
export interface Guesser {
  /** Keyed hash of the address or person: nothing here says which there are. */
  readonly subject: string;
  /** Keyed hash of a network address, a known device or a session. */
  readonly source: string;
  /** A known device is held to its own failures only, so that strangers can't lock its owner out. */
  readonly isKnown: boolean;
}

export interface Lockout {
  readonly counts: readonly Count[];
  readonly isLocked: boolean;
}

/** 2 reads. */
export async function readLockout(
  deps: Pick<Deps, "clock" | "keys">,
  app: App,
  { subject, source, isKnown }: Guesser,
  transaction: Transaction,
): Promise<Lockout> {
  const lockouts = app.collection("lockouts");
  const ofSource = lockouts.doc(deps.keys.mac("lockout-source", app.id, subject, source));
  const [first, second] = await transaction.getAll(ofSource, lockouts.doc(subject));
  const counts: Count[] = [
    { of: "source", ref: ofSource, stored: storedLockout(first) },
    { of: "subject", ref: lockouts.doc(subject), stored: storedLockout(second) },
  ];
  const isLocked = counts.some(
    (count) =>
      (count.of === "source" || !isKnown) && (count.stored?.lockedUntil?.toMillis() ?? 0) > deps.clock.now(),
  );
  return { counts, isLocked };
}

/** Counts a failure and records it; the last one locks, and that is recorded too. 3 to 5 writes. */
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
  addSecurityEvent(deps, transaction, securityEventsOf(app), { event });
  for (const count of lockout.counts) {
    if (!countFailure(deps, transaction, count)) continue;
    addSecurityEvent(deps, transaction, securityEventsOf(app), {
      event: {
        kind: "address-locked",
        subject: event.subject,
        caller: event.caller,
        details: { minutes: LOCKOUT_MS / 60_000, for: count.of === "source" ? "one source" : "strangers" },
      },
    });
  }
}

/** Whether it locks now. */
function countFailure(
  deps: Pick<Deps, "clock">,
  transaction: Transaction,
  { of, ref, stored }: Count,
): boolean {
  const now = deps.clock.now();
  const isRecent = stored !== undefined && now - stored.since.toMillis() < LOCKOUT_MS;
  const failures = (isRecent ? stored.failures : 0) + 1;
  const locks = failures >= (of === "source" ? FAILURES_MAX : SUBJECT_FAILURES_MAX);
  // A device that is known goes on while strangers are locked out; its failures don't end that.
  const lockedUntil = (stored?.lockedUntil?.toMillis() ?? 0) > now ? (stored?.lockedUntil ?? null) : null;
  const next: StoredLockout = {
    failures: locks ? 0 : failures,
    since: isRecent ? stored.since : Timestamp.fromMillis(now),
    lockedUntil: locks ? Timestamp.fromMillis(now + LOCKOUT_MS) : lockedUntil,
    expireAt: Timestamp.fromMillis(now + 2 * LOCKOUT_MS),
  };
  transaction.set(ref, { ...next });
  return locks;
}

/** After a success the counts start again; a lock that strangers have caused stays, for strangers. */
export function clearFailures(
  deps: Pick<Deps, "clock">,
  transaction: Transaction,
  { counts }: Lockout,
): void {
  for (const { ref, stored } of counts) {
    if (stored === undefined) continue;
    const isLocked = (stored.lockedUntil?.toMillis() ?? 0) > deps.clock.now();
    if (isLocked) transaction.update(ref, { failures: 0 });
    else transaction.delete(ref);
  }
}
