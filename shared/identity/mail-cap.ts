import { storedAs } from "../platform/stored.ts";
import type { Deps } from "../platform/deps.ts";
import type { DocumentReference, Transaction } from "../platform/firestore.ts";
import { FieldValue, Timestamp } from "../platform/firestore-values.ts";
import type { App } from "./app.ts";

/** What one stranger may take of the mails to an address, so that they can't use them up. */
export const STRANGER_SHARE = 0.5;
/** Mails in a day that one network address may have sent in an app: an office, but no flood. */
export const SOURCE_MAILS_PER_DAY = 1_000;
/** Mails with invitations to one address in a day, whoever invites. */
export const INVITATIONS_PER_DAY = 3;
/** Mails with invitations in a day that one person or token may have sent. */
export const INVITER_MAILS_PER_DAY = 500;
export const MAIL_DAY_MS = 24 * 3600 * 1000;

/** Mails with codes, counted from the first of a day's on. */
interface StoredMails {
  readonly count: number;
  /** Absent only where a mail was given back after its count had expired. */
  readonly since?: Timestamp;
  readonly expireAt?: Timestamp;
}
const storedMails = storedAs<StoredMails>();

/** A mail with a code: to whom, and by whose wish. */
export interface CodeMail {
  /** Keyed hash of the address. */
  readonly address: string;
  readonly source: string;
  readonly isKnown: boolean;
  readonly perDay: number;
}

export interface MailCap {
  readonly isReached: boolean;
  /** 1 write for each count. */
  add(transaction: Transaction): void;
}

/**
 * How many codes have been mailed to an address in the last day, and by whose wish. A known device has a
 * count of its own: what strangers have used up does not hold for it. 1 or 3 reads.
 */
export const readMailCap = (
  deps: Pick<Deps, "clock" | "keys">,
  app: App,
  mail: CodeMail,
  transaction: Transaction,
): Promise<MailCap> => readCounts(deps, limitsOn(deps, app, mail), transaction);

/**
 * How many invitations have been mailed to an address in the last day, and by one inviter; apart from codes,
 * so that nobody keeps anybody from signing in by inviting them. 2 reads.
 */
export function readInvitationCap(
  deps: Pick<Deps, "clock" | "keys">,
  app: App,
  { address, inviter }: { readonly address: string; readonly inviter: string },
  transaction: Transaction,
): Promise<MailCap> {
  const refOf = (...parts: string[]): DocumentReference =>
    app.collection("lockouts").doc(deps.keys.mac("mails", app.id, ...parts));
  const limits: [DocumentReference, number][] = [
    [refOf("invited", address), INVITATIONS_PER_DAY],
    [refOf("inviter", inviter), INVITER_MAILS_PER_DAY],
  ];
  return readCounts(deps, limits, transaction);
}

async function readCounts(
  deps: Pick<Deps, "clock">,
  limits: readonly [DocumentReference, number][],
  transaction: Transaction,
): Promise<MailCap> {
  const found = await transaction.getAll(...limits.map(([ref]) => ref));
  const now = deps.clock.now();
  const counts = limits.map(([ref, max], index) => {
    const stored = storedMails(found[index]);
    const isRecent = stored?.since !== undefined && now - stored.since.toMillis() < MAIL_DAY_MS;
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

/**
 * Gives a mail back whose code was used: only mails that nobody wanted count, so whoever signs in often is
 * not held up. 1 or 3 writes.
 */
export function giveMailBack(
  deps: Pick<Deps, "keys">,
  app: App,
  mail: CodeMail,
  transaction: Transaction,
): void {
  for (const [ref] of limitsOn(deps, app, mail))
    transaction.set(ref, { count: FieldValue.increment(-1) }, { merge: true });
}

/** The counts that a mail falls under, and how high each may go. */
function limitsOn(
  { keys }: Pick<Deps, "keys">,
  app: App,
  { address, source, isKnown, perDay }: CodeMail,
): readonly [DocumentReference, number][] {
  const refOf = (...parts: string[]): DocumentReference =>
    app.collection("lockouts").doc(keys.mac("mails", app.id, ...parts));
  if (isKnown) return [[refOf("device", address, source), perDay]];
  return [
    [refOf("address", address), perDay],
    [refOf("share", address, source), Math.ceil(perDay * STRANGER_SHARE)],
    [refOf("source", source), SOURCE_MAILS_PER_DAY],
  ];
}
