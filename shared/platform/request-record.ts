import type { Deps } from "./deps.ts";
import { AppError, GRPC, grpcCode } from "./errors.ts";
import type {
  CollectionReference,
  DocumentReference,
  DocumentSnapshot,
  Firestore,
  Transaction,
  WriteBatch,
} from "./firestore.ts";
import { Timestamp } from "./firestore-values.ts";
import { derivedId } from "./ids.ts";
import { storedAs } from "./stored.ts";
import { READ_MS_MAX, within } from "./within.ts";

/**
 * What an Idempotency-Key has led to. All ids and secrets that a request makes are drawn at random; only this
 * record, written in the same commit, is named after the key. So a repeated key gets the first reply, and
 * can't make again what has expired or been deleted.
 *
 * The result is sealed: it may hold what is shown to the caller only.
 */
export interface RequestRecord {
  readonly ref: DocumentReference;
  /** Keyed hash of what the key was sent with. */
  readonly fingerprint: string;
}

/** A key is honoured for at least a day; the second is for clocks and for whoever repeats late. */
export const REQUEST_KEPT_MS = 48 * 3600 * 1000;

interface StoredRequest {
  readonly fingerprint: string;
  readonly sealedResult: string;
  readonly expireAt: Timestamp;
}
const storedRequest = storedAs<StoredRequest>();

/** Of requests that belong to no app. */
export const systemRequestsOf = (firestore: Firestore): CollectionReference =>
  firestore.collection("system").doc("requests").collection("requests");

/**
 * The record of a key, undefined for a request without one. `name` says what kind of request it is, whose,
 * and the key; `body` is everything that another request with the same key must not differ in.
 */
export function requestRecord(
  deps: Pick<Deps, "keys">,
  requests: CollectionReference,
  name: readonly string[],
  body: unknown,
): RequestRecord;
export function requestRecord(
  deps: Pick<Deps, "keys">,
  requests: CollectionReference,
  name: readonly [...string[], string | undefined],
  body: unknown,
): RequestRecord | undefined;
export function requestRecord(
  { keys }: Pick<Deps, "keys">,
  requests: CollectionReference,
  name: readonly (string | undefined)[],
  body: unknown,
): RequestRecord | undefined {
  if (!name.every((part) => part !== undefined)) return undefined;
  const ref = requests.doc(derivedId("request", ...name));
  return { ref, fingerprint: keys.mac("request", ref.path, JSON.stringify(body) ?? "") };
}

/** Adds the record to the commit of what the request makes. 1 write. */
export function addRequest(
  { keys, clock }: Pick<Deps, "keys" | "clock">,
  writer: WriteBatch | Transaction,
  { ref, fingerprint }: RequestRecord,
  result: object,
): void {
  const stored: StoredRequest = {
    fingerprint,
    sealedResult: keys.seal("request", ref.path, JSON.stringify(result)),
    expireAt: Timestamp.fromMillis(clock.now() + REQUEST_KEPT_MS),
  };
  (writer as WriteBatch).create(ref, { ...stored });
}

/**
 * The result of the request that used the key before; undefined when none has.
 * @throws AppError `idempotency_key_reused` when that was another request
 */
export function resultOf<T extends object>(
  { keys }: Pick<Deps, "keys">,
  { ref, fingerprint }: RequestRecord,
  found: DocumentSnapshot,
): T | undefined {
  const stored = storedRequest(found);
  if (stored === undefined) return undefined;
  if (stored.fingerprint !== fingerprint) {
    throw new AppError("idempotency_key_reused", "This Idempotency-Key was used for another request.");
  }
  return JSON.parse(keys.open("request", ref.path, stored.sealedResult)) as T;
}

/**
 * What a request led to that was made before; undefined when it was not. 1 read.
 * @throws AppError `idempotency_key_reused`
 */
export async function recallRequest<T extends object>(
  deps: Pick<Deps, "keys">,
  record: RequestRecord,
): Promise<T | undefined> {
  return resultOf<T>(deps, record, await within(READ_MS_MAX, record.ref.get()));
}

/**
 * Commits what a request makes, once for each key: a repetition writes nothing and gets the first result. All
 * that the batch creates has to have drawn ids, unless `record` is given. 1 commit, and 1 read when repeated.
 * @throws AppError `idempotency_key_reused`; what the commit throws when something else was in the way
 */
export async function commitOnce<T extends object>(
  deps: Pick<Deps, "keys" | "clock">,
  batch: WriteBatch,
  record: RequestRecord | undefined,
  result: T,
): Promise<{ result: T; replayed: boolean }> {
  if (record !== undefined) addRequest(deps, batch, record, result);
  try {
    await within(READ_MS_MAX, batch.commit());
    return { result, replayed: false };
  } catch (cause) {
    if (grpcCode(cause) !== GRPC.alreadyExists) throw cause;
    // Google's client repeats a commit that it got no reply for: under drawn ids only that can stand there.
    if (record === undefined) return { result, replayed: false };
    const before = resultOf<T>(deps, record, await within(READ_MS_MAX, record.ref.get()));
    if (before === undefined) throw cause;
    return { result: before, replayed: true };
  }
}
