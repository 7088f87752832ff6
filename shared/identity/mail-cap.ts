import { storedAs } from "../platform/stored.ts";
import type { Deps } from "../platform/deps.ts";
import type { DocumentReference, Transaction } from "../platform/firestore.ts";
import { Timestamp } from "../platform/firestore-values.ts";
import type { App } from "./app.ts";

/** What one stranger may take of the mails to an address, so that they can't use them up. */
export const STRANGER_SHARE = 0.5;
/** Mails in a day that one network address may have sent in an app: an office, but no flood. */
export const SOURCE_MAILS_PER_DAY = 1_000;
export const MAIL_DAY_MS = 24 * 3600 * 1000;

/** Mails with codes, counted from the first of a day's on. */
interface StoredMails {
  readonly count: number;
  readonly since: Timestamp;
  readonly expireAt: Timestamp;
}
const storedMails = storedAs<StoredMails>();

export interface MailCap {
  readonly isReached: boolean;
  /** 1 write for each count. */
  add(transaction: Transaction): void;
}

/**
 * How many codes have been mailed to an address in the last day, and by whose wish. A known device has a
 * count of its own: what strangers have used up does not hold for it. 1 or 3 reads.
 */
export async function readMailCap(
  deps: Pick<Deps, "clock" | "keys">,
  app: App,
  mails: {
    readonly address: string;
    readonly source: string;
    readonly isKnown: boolean;
    readonly perDay: number;
  },
  transaction: Transaction,
): Promise<MailCap> {
  const { address, source, isKnown, perDay } = mails;
  const refOf = (...parts: string[]): DocumentReference =>
    app.collection("lockouts").doc(deps.keys.mac("mails", app.id, ...parts));
  const limits: [DocumentReference, number][] = isKnown
    ? [[refOf("device", address, source), perDay]]
    : [
        [refOf("address", address), perDay],
        [refOf("share", address, source), Math.ceil(perDay * STRANGER_SHARE)],
        [refOf("source", source), SOURCE_MAILS_PER_DAY],
      ];
  const found = await transaction.getAll(...limits.map(([ref]) => ref));
  const now = deps.clock.now();
  const counts = limits.map(([ref, max], index) => {
    const stored = storedMails(found[index]);
    const isRecent = stored !== undefined && now - stored.since.toMillis() < MAIL_DAY_MS;
    return {
      ref,
      max,
      count: isRecent ? stored.count : 0,
      sinceMs: isRecent ? stored.since.toMillis() : now,
    };
  });
  return {
    isReached: counts.some(({ count, max }) => count >= max),
    add(writer) {
      for (const { ref, count, sinceMs } of counts) {
        const next: StoredMails = {
          count: count + 1,
          since: Timestamp.fromMillis(sinceMs),
          expireAt: Timestamp.fromMillis(sinceMs + 2 * MAIL_DAY_MS),
        };
        writer.set(ref, { ...next });
      }
    },
  };
}
