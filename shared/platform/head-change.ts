import { AppError } from "./errors.ts";
import { type DocumentReference, type DocumentSnapshot, type Firestore, readDocument } from "./firestore.ts";
import type { FieldPath, Timestamp } from "./firestore-values.ts";
import type { SharedCommits } from "./shared-commits.ts";

/** A change of a log's head, as its author describes it. */
export interface Change<Head, Result> {
  /**
   * Reads what the decision needs besides the head. Called before each attempt, which is then made with
   * this change alone. @throws AppError to refuse
   */
  prepare?(): Promise<void>;
  /**
   * Decides on the next head. Called again whenever the head turns out to be another one.
   * @throws AppError to refuse; only this change is refused, not those it shares a commit with.
   */
  decide(head: Head): Decision<Head, Result>;
  /**
   * How a repetition of this change is recognised; a change without one is made each time it is asked for.
   */
  readonly proof?: Proof<Result>;
}

export interface Decision<Head, Result> {
  /**
   * A decision that returns the head that it was given and no documents changes nothing, and nothing is
   * committed.
   */
  readonly head: Head;
  /** Documents that come into being with this change. */
  readonly create: readonly { readonly ref: DocumentReference; readonly data: object }[];
  /** Fields that existing documents take on with it. Changes to one document have to commute. */
  readonly update?: readonly {
    readonly ref: DocumentReference;
    readonly fields: readonly (readonly [field: string | FieldPath, value: unknown])[];
    /** The commit is refused when the document was written since; for changes that prepare. */
    readonly lastUpdateTime?: Timestamp | undefined;
  }[];
  /** Fields that documents take on with it, which come into being where they are missing. */
  readonly merge?: readonly { readonly ref: DocumentReference; readonly data: object }[];
  /** Documents that cease to be with it. */
  readonly remove?: readonly DocumentReference[];
  /** Roughly how large the created documents are. */
  readonly bytes: number;
  readonly result: Result;
}

/** The document that exists exactly if the change has been made, and what it stands for. */
export interface Proof<Result> {
  readonly ref: DocumentReference;
  /** Of the request; the document holds it in its field `fingerprint`. */
  readonly fingerprint: string;
  /** The result of the change that made the document. */
  result(existing: DocumentSnapshot): Result;
}

export interface Changed<Head, Result> {
  readonly result: Result;
  /** True when the change had been made before, under the same proof. */
  readonly replayed: boolean;
  /** The head that the change led to; undefined when replayed. */
  readonly head: Head | undefined;
}

export interface HeadLogOptions<Head extends object> {
  readonly firestore: Firestore;
  readonly commits: SharedCommits;
  /** What to say of a head that does not exist. */
  absent(): AppError;
  /** Called after each commit with the newest head; the changes resolve once its promise has settled. */
  readonly committed?: (ref: DocumentReference, head: Head) => Promise<void>;
  /**
   * Where it is there, batches of a head that several instances move are committed apart from it. It says
   * which document stands for what is still to come between two heads: one of its own for each call. Of one
   * that stays the log's owner has to make up for the changes that never came, once they can't come any more
   * (`withdraw`).
   */
  readonly promise?: (
    ref: DocumentReference,
    before: Head,
    next: Head,
  ) => { readonly ref: DocumentReference; readonly data: object };
  /** Fields that every commit writes beside the head's state, such as a server time. */
  readonly stamp?: (ref: DocumentReference, next: Head) => object;
}

/** A change on its way into the log. */
export interface Waiting<Head> {
  readonly change: Change<Head, unknown>;
  readonly deadlineMs: number;
  /** Runs work in the context of the request that wants the change, so that its costs count there. */
  inContext<T>(work: () => T): T;
  resolve(changed: Changed<Head, unknown>): void;
  reject(cause: unknown): void;
}

/**
 * What a change led to that was made before; undefined when it was not. 1 read.
 * @throws AppError `idempotency_key_reused`
 */
export async function recall<Result>({
  ref,
  fingerprint,
  result,
}: Proof<Result>): Promise<Result | undefined> {
  const found = await readDocument(ref);
  if (!found.exists) return undefined;
  if (found.get("fingerprint") !== fingerprint) throw keyReused();
  return result(found);
}

export const keyReused = (): AppError =>
  new AppError("idempotency_key_reused", "This Idempotency-Key was used with another body.");
