import { storedAs } from "../platform/stored.ts";
import type { DocumentReference, Firestore, Transaction, WriteBatch } from "../platform/firestore.ts";
import { Timestamp } from "../platform/firestore-values.ts";
import type { Index } from "../platform/follow.ts";
import { randomId } from "../platform/ids.ts";
import type { RevocationScope } from "./contract.ts";
import type { Principal } from "./principal.ts";
import { recorded } from "./signing-key.ts";
import { revocationsOf } from "./system.ts";

/** What an access token says about itself, as far as revocation goes. Times in milliseconds. */
export interface Issued {
  readonly app: string;
  readonly user: string;
  readonly sessionId: string;
  readonly tokenId: string;
  readonly issuedMs: number;
  /** When its session began. */
  readonly beganMs: number;
}

/**
 * Ends access tokens before their time. `tokens`: those issued until `before`; a refresh gives a new
 * one. `sessions`: those of sessions begun until `before`, and these can't be refreshed either.
 */
export interface Revocation {
  /** `api-token` is a deleted API token, `settings` no revocation at all: an app's settings have changed. */
  readonly scope: RevocationScope | "api-token" | "settings";
  /** Of the token, session, user or app; empty for all. */
  readonly id: string;
  readonly ends: "tokens" | "sessions";
  readonly before: Timestamp;
  /** When nothing that it concerns can live any more. */
  readonly expireAt: Timestamp;
}
export const storedRevocation = storedAs<Revocation>();

export type RevocationList = ReadonlyMap<string, { tokensMs: number; sessionsMs: number }>;

const keyOf = (scope: string, id: string): string => `${scope}:${id}`;

/** The list, kept up to date entry by entry: there may be ten thousands, and an instance hears of each. */
export function revocationIndex(): Index<RevocationList> {
  const list = new Map<string, { tokensMs: number; sessionsMs: number }>();
  const entries = new Map<
    string,
    { readonly key: string; readonly tokensMs: number; readonly sessionsMs: number }
  >();
  const idsOf = new Map<string, Set<string>>();
  const remove = (id: string): void => {
    const entry = entries.get(id);
    if (entry === undefined) return;
    entries.delete(id);
    const { key } = entry;
    const ids = idsOf.get(key);
    ids?.delete(id);
    const left = [...(ids ?? [])].flatMap((other) => entries.get(other) ?? []);
    if (left.length === 0) {
      list.delete(key);
      idsOf.delete(key);
      return;
    }
    const latest = (kind: "tokensMs" | "sessionsMs") => Math.max(...left.map((other) => other[kind]));
    list.set(key, { tokensMs: latest("tokensMs"), sessionsMs: latest("sessionsMs") });
  };
  return {
    value: list,
    set(document) {
      remove(document.id);
      const { scope, id, ends, before } = storedRevocation(document);
      const beforeMs = before.toMillis();
      const isTokens = ends === "tokens";
      const key = keyOf(scope, id);
      const entry = { key, tokensMs: isTokens ? beforeMs : -1, sessionsMs: isTokens ? -1 : beforeMs };
      entries.set(document.id, entry);
      const known = list.get(key) ?? entry;
      list.set(key, {
        tokensMs: Math.max(known.tokensMs, entry.tokensMs),
        sessionsMs: Math.max(known.sessionsMs, entry.sessionsMs),
      });
      idsOf.set(key, (idsOf.get(key) ?? new Set()).add(document.id));
    },
    remove,
  };
}

/** What was issued in the very millisecond of the revocation is revoked too: it may have been before. */
export function isRevoked(list: RevocationList, issued: Issued): boolean {
  if (list.size === 0) return false;
  if (list.has(keyOf("token", issued.tokenId)) || list.has(keyOf("session", issued.sessionId))) return true;
  const scopes = [keyOf("user", issued.user), keyOf("app", issued.app), keyOf("all", "")];
  return scopes.some((key) => {
    const entry = list.get(key);
    return entry !== undefined && (issued.issuedMs <= entry.tokensMs || issued.beganMs <= entry.sessionsMs);
  });
}

export const isListed = (list: RevocationList, scope: Revocation["scope"], id: string): boolean =>
  list.has(keyOf(scope, id));

/** When the newest entry about this was made; 0 when there is none. */
export const listedMs = (list: RevocationList, scope: Revocation["scope"], id: string): number =>
  list.get(keyOf(scope, id))?.tokensMs ?? 0;

/** Changes whenever the list says something else about this. */
export function listingOf(list: RevocationList, scope: Revocation["scope"], id: string): string {
  const entry = list.get(keyOf(scope, id));
  return entry === undefined ? "" : `${entry.tokensMs} ${entry.sessionsMs}`;
}

const closingRef = (firestore: Firestore, userId: string): DocumentReference =>
  revocationsOf(firestore).doc(`closed-${userId}`);

/**
 * Ends the person's access tokens, those too that a refresh under way is making at this moment: until
 * `endMs`, by which none can live any more, or until they are let in again. 1 write, and every instance hears
 * of it.
 */
export function addClosing(
  firestore: Firestore,
  transaction: Transaction,
  userId: string,
  endMs: number,
): void {
  const end = Timestamp.fromMillis(endMs);
  const closing: Revocation = { scope: "user", id: userId, ends: "tokens", before: end, expireAt: end };
  transaction.set(closingRef(firestore, userId), recorded(closing));
}

/** Takes that back. 1 delete. */
export const addReopening = (firestore: Firestore, transaction: Transaction, userId: string): void =>
  void transaction.delete(closingRef(firestore, userId));

/**
 * Whether what a principal opened at a moment has to end: their token has been revoked, or, where it is none
 * that says when it was issued, everything of the app has.
 */
export function isEnded(
  list: RevocationList,
  appId: string,
  principal: Principal,
  openedMs: number,
): boolean {
  if (principal.issued !== undefined) return isRevoked(list, principal.issued);
  const standsOn = (principal.standsOn ?? []).map(({ scope, id }) => keyOf(scope, id));
  return [...standsOn, keyOf("app", appId), keyOf("all", "")].some((key) => {
    const entry = list.get(key);
    return entry !== undefined && Math.max(entry.tokensMs, entry.sessionsMs) >= openedMs;
  });
}

/** Adds a revocation to a commit: 1 write, and every instance hears of it. */
export function addRevocation(
  firestore: Firestore,
  writer: WriteBatch | Transaction,
  revocation: Pick<Revocation, "scope" | "id" | "ends"> & {
    readonly beforeMs: number;
    readonly expireMs: number;
  },
): void {
  const { scope, id, ends, beforeMs, expireMs } = revocation;
  const stored: Revocation = {
    scope,
    id,
    ends,
    before: Timestamp.fromMillis(beforeMs),
    expireAt: Timestamp.fromMillis(expireMs),
  };
  // Transaction and WriteBatch have the same verb in types that do not unite.
  (writer as WriteBatch).create(revocationsOf(firestore).doc(randomId()), recorded(stored));
}
