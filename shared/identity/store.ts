import { storedAs, type StoredReader } from "../platform/stored.ts";
import type { DocumentReference, DocumentSnapshot, Firestore } from "../platform/firestore.ts";
import { FieldPath, Filter, type Timestamp } from "../platform/firestore-values.ts";
import type { Metadata } from "../platform/contract.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";
import type { NameKeys } from "../words/name-keys.ts";
import type { App } from "./app.ts";
import type { QuietHours, Role, StoredSettings } from "./contract.ts";

/** An app's document: its settings, and the head of the log that numbers its chats. */
export interface AppHead {
  readonly id: string;
  readonly name: string;
  readonly settings: StoredSettings;
  /** `moving`: nothing is changed until it is in another cell; `moved`: it is there. */
  readonly status: "open" | "moving" | "moved" | "deleted";
  /** The cell that it is moving or has moved to. */
  readonly cell?: string;
  /** What requests to the moderation hook are signed with, the newest first; absent until one was made. */
  readonly hookSecrets?: readonly StoredHookSecret[];
  readonly lastChatNumber: number;
  readonly logoUrl?: string | null;
  /** The file that it is the address of. */
  readonly pictureFile?: string | null;
  readonly createdAt: Timestamp;
}

export interface StoredHookSecret {
  readonly sealed: string;
  readonly createdAt: Timestamp;
  /** It signs until then; null for the newest. */
  readonly endsAt: Timestamp | null;
}
export const storedAppHead = storedAs<AppHead>();

export interface StoredUser {
  readonly email: string;
  readonly name: string;
  readonly role: Role;
  /** Null: a generated picture. */
  readonly avatarUrl: string | null;
  /** The file that it is the address of. */
  readonly pictureFile?: string | null;
  readonly language: string;
  readonly timeZone: string;
  readonly createdAt: Timestamp;
  readonly lastSeenAt: Timestamp;
  /** Sessions begun until then have been ended, all together. */
  readonly sessionsValidAfter?: Timestamp;
  readonly quietHours?: QuietHours | null;
  /** Absent: they may come and go. */
  readonly status?: "disabled" | "removed";
  /** Of who has been removed, also once they are back: what they had made until then has ended. */
  readonly removedAt?: Timestamp;
  /** What the app's own server calls them. */
  readonly externalId?: string;
  readonly warnedAt?: Timestamp;
  readonly metadata?: Metadata;
  /** What they are found by, in the name and in the address; absent from who is older than these. */
  readonly nameKeys?: NameKeys;
  readonly emailKeys?: NameKeys;
  /** By issuer, the subject that the account is bound to; both as keyed hashes. */
  readonly bindings?: Readonly<Record<string, string>>;
}
export const storedUser = storedAs<StoredUser>();

/** A request to sign in. */
export interface StoredChallenge {
  /** In its canonical form. */
  readonly email: string;
  /** Keyed hash of the code, bound to app and challenge. */
  readonly codeHash: string;
  /** The code, sealed so that a mail that is sent again says the same; null once it is used. */
  readonly sealedCode: string | null;
  /** Keyed hash of who asked for it: a known device, or the network address. */
  readonly source: string;
  /** Whether it was a device from which somebody had signed in with this address. */
  readonly isKnown: boolean;
  /** Mails to this address in a day, as the app had set it; null is no limit. */
  readonly mailsMax: number | null;
  /** Whether the mail has been counted; a repeated delivery is not counted again. */
  readonly isMailed: boolean;
  readonly triesLeft: number;
  /** The invitation whose code was brought. */
  readonly invitation?: string;
  /** Nothing is mailed: the app would not let the person in. */
  readonly isRefused?: true;
  /** What used it up; null until then. */
  readonly usedBy: string | null;
  readonly expiresAt: Timestamp;
  readonly expireAt: Timestamp;
}
export const storedChallenge = storedAs<StoredChallenge>();

export interface StoredSession {
  readonly user: string;
  /** Counts rotations; only the refresh token of this generation is good. */
  readonly generation: number;
  readonly rotatedAt: Timestamp;
  readonly status: "open" | "ended";
  readonly userAgent: string;
  /** Where it was begun, without the last part of the address. */
  readonly network?: string | null;
  readonly createdAt: Timestamp;
  /** When the person last proved their second factor in this session. */
  readonly factorAt: Timestamp | null;
  /** The sign-in at Identity Platform that it stands on; it ends with that. */
  readonly federated?: Federated;
  readonly expireAt: Timestamp;
}
export const storedSession = storedAs<StoredSession>();

/** A sign-in at Identity Platform, in the project itself or in a tenant of it. */
export interface Federated {
  readonly uid: string;
  readonly tenant?: string;
  readonly signedInAt: Timestamp;
}

/** Whose account an issuer's subject is. */
export interface StoredIdentity {
  readonly user: string;
  readonly createdAt: Timestamp;
}
export const storedIdentity = storedAs<StoredIdentity>();

export interface StoredApiToken {
  /** Keyed hash of the secret. */
  readonly hash: string;
  readonly createdAt: Timestamp;
  /** Absent from tokens that are older than this field, as the others below. */
  readonly name?: string;
  /** Names of permissions, or `*`: all that the maker holds. Absent: those of the role `service`. */
  readonly scopes?: readonly string[];
  /** A user's id, `token_…`, or `operator`: whose rights bound the token's at each use. */
  readonly createdBy?: string;
  readonly lastUsedAt?: Timestamp;
  readonly expiresAt?: Timestamp;
}
export const storedApiToken = storedAs<StoredApiToken>();

export const TRANSACTION_MS_MAX = 15_000;

export const userRef = (app: App, id: string): DocumentReference => app.collection("users").doc(id);
export const sessionRef = (app: App, id: string): DocumentReference => app.collection("sessions").doc(id);
export const challengeRef = (app: App, id: string): DocumentReference => app.collection("challenges").doc(id);
export const apiTokenRef = (app: App, id: string): DocumentReference => app.collection("tokens").doc(id);
/** Says which user an address belongs to; named by the address's keyed hash. */
export const addressRef = (app: App, hash: string): DocumentReference =>
  app.collection("addresses").doc(hash);

/** Says whose account an issuer's subject is; named by the keyed hash of the two. */
export const identityRef = (app: App, hash: string): DocumentReference =>
  app.collection("identities").doc(hash);

/** One read. */
export async function readDocument<T>(
  ref: DocumentReference,
  stored: StoredReader<T>,
): Promise<{ data: T | undefined; found: DocumentSnapshot }> {
  const found = await within(READ_MS_MAX, ref.get());
  return { data: stored(found), found };
}

/** Those who have been removed are not there any more; those who are disabled may come back. */
export const isPresent = (user: StoredUser | undefined): user is StoredUser =>
  user !== undefined && user.status !== "removed";

/** One read for each id. */
export async function usersExist(firestore: Firestore, app: App, ids: readonly string[]): Promise<boolean> {
  const found = await within(READ_MS_MAX, firestore.getAll(...ids.map((id) => userRef(app, id))));
  return found.every((document) => isPresent(storedUser(document)));
}

/** One read for each id. */
export async function readUsers(
  firestore: Firestore,
  app: App,
  ids: readonly string[],
): Promise<{ id: string; stored: StoredUser }[]> {
  if (ids.length === 0) return [];
  const found = await within(READ_MS_MAX, firestore.getAll(...ids.map((id) => userRef(app, id))));
  return found.flatMap((document) => {
    const stored = storedUser(document);
    return stored === undefined ? [] : [{ id: document.id, stored }];
  });
}

/** One query, one read for each user, in the order of their ids. */
export async function listUsers(
  app: App,
  afterId: string | undefined,
  limit: number,
): Promise<{ id: string; stored: StoredUser }[]> {
  let query = app.collection("users").orderBy(FieldPath.documentId()).limit(limit);
  if (afterId !== undefined) query = query.startAfter(afterId);
  const found = await within(READ_MS_MAX, query.get());
  return found.docs.map((document) => ({ id: document.id, stored: storedUser(document) }));
}

/**
 * Those of an app's users whose name has all of these keys, or whose address where that may be looked at, in
 * the order of their ids. One query, one read for each.
 */
export async function findUsers(
  app: App,
  { keys, withAddress }: { readonly keys: readonly string[]; readonly withAddress: boolean },
  { afterId, limit }: { readonly afterId?: string | undefined; readonly limit: number },
): Promise<{ id: string; stored: StoredUser }[]> {
  const has = (map: "nameKeys" | "emailKeys"): Filter =>
    Filter.and(...keys.map((key) => Filter.where(new FieldPath(map, key), "==", true)));
  const found = withAddress ? Filter.or(has("nameKeys"), has("emailKeys")) : has("nameKeys");
  let query = app.collection("users").where(found).orderBy(FieldPath.documentId()).limit(limit);
  if (afterId !== undefined) query = query.startAfter(afterId);
  const { docs } = await within(READ_MS_MAX, query.get());
  return docs.map((document) => ({ id: document.id, stored: storedUser(document) }));
}

const BATCH_WRITES_MAX = 400;
/** Documents that are tidied up for one call; another goes on. */
const TIDIED_MAX = 4_000;

/**
 * Takes away the API tokens and invitations that somebody has made, who has been removed, and the messages
 * that they have scheduled: they have ended already (`removedAt`), and nobody is to see them any more. Three
 * queries, a write for each. Idempotent.
 */
export async function endWhatTheyMade(firestore: Firestore, app: App, userId: string): Promise<void> {
  const made = (name: "tokens" | "invitations" | "scheduled") =>
    within(
      READ_MS_MAX,
      app.collection(name).where("createdBy", "==", userId).select().limit(TIDIED_MAX).get(),
    );
  const found = await Promise.all([made("tokens"), made("invitations"), made("scheduled")]);
  const refs = found.flatMap(({ docs }) => docs.map(({ ref }) => ref));
  for (let from = 0; from < refs.length; from += BATCH_WRITES_MAX) {
    const batch = firestore.batch();
    for (const ref of refs.slice(from, from + BATCH_WRITES_MAX)) batch.delete(ref);
    await within(READ_MS_MAX, batch.commit());
  }
}

/** Whether somebody is here, and has not been removed since they made something. */
export const standsBehind = (user: StoredUser | undefined, madeAt: Timestamp): user is StoredUser =>
  user !== undefined &&
  user.status === undefined &&
  (user.removedAt === undefined || user.removedAt.valueOf() < madeAt.valueOf());

/** One query, and a write for each open session. */
export async function endOpenSessions(firestore: Firestore, app: App, userId: string): Promise<void> {
  const open = app.collection("sessions").where("user", "==", userId).where("status", "==", "open").select();
  const found = await within(READ_MS_MAX, open.get());
  for (let from = 0; from < found.size; from += BATCH_WRITES_MAX) {
    const batch = firestore.batch();
    for (const session of found.docs.slice(from, from + BATCH_WRITES_MAX)) {
      batch.update(session.ref, { status: "ended" });
    }
    await within(READ_MS_MAX, batch.commit());
  }
}
