import { GRPC, grpcCode, isUnknownOutcome } from "./errors.ts";
import type { DocumentReference, DocumentSnapshot, WriteBatch } from "./firestore.ts";
import type { Timestamp } from "./firestore-values.ts";
import { randomId } from "./ids.ts";
import { READ_MS_MAX, within } from "./within.ts";

/**
 * The right to do something alone for a while. It is kept in the document that says how far the work has
 * come, and claiming it, renewing it and completing the work are all the same write: one that happens only if
 * the document is as its writer knows it. Taking a lease over is a write too, after which its former holder
 * can no longer write.
 *
 * How long a lease lasts is its domain's own. Answers and jobs store a `leaseUntil`, by which a schedule
 * finds those that nobody is at; an answer is also alive by the segments that it writes. A round of
 * notifications is found by the next task of its chat and lasts from its last write, by Firestore's clock.
 * Two leases are kept in another way. Others write to an answer's message meanwhile (a stop, a reaction), so
 * the attempt at the answer reads before each write and is fenced by its epoch. Mails about unread messages
 * are claimed in a person's marks, in a transaction.
 */
export interface Lease {
  readonly ref: DocumentReference;
  /** Of the document, as its holder wrote it last. */
  writtenAt: Timestamp;
}

type Fields = Readonly<Record<string, unknown>>;

/** The field that names the write which a document bears. */
const WRITE_FIELD = "leaseWrite";

/**
 * Claims a lease on a document as it was found: `fields` are written, or `initial` where there is no
 * document. Costs 1 write, and 1 read when its outcome is unknown.
 * @returns undefined when somebody else was faster
 * @throws when nothing was written, or that could not be found out
 */
export async function claimLease(
  found: DocumentSnapshot,
  fields: Fields,
  initial: Fields = fields,
): Promise<Lease | undefined> {
  const { ref, updateTime } = found;
  const writtenAt = await writeUnlessMoved(ref, updateTime, updateTime === undefined ? initial : fields);
  return writtenAt === undefined ? undefined : { ref, writtenAt };
}

/**
 * Renews a lease, notes progress or completes the work; `beside` adds to the same commit what may be written
 * twice. Costs 1 write and what is added, and 1 read when its outcome is unknown.
 * @returns false when somebody else has taken it over; then nothing was written
 * @throws when nothing was written, or that could not be found out
 */
export async function writeLease(
  lease: Lease,
  fields: Fields,
  beside?: (batch: WriteBatch) => void,
): Promise<boolean> {
  const writtenAt = await writeUnlessMoved(lease.ref, lease.writtenAt, fields, beside);
  if (writtenAt === undefined) return false;
  lease.writtenAt = writtenAt;
  return true;
}

/**
 * Google's client repeats a write that it got no answer for, so a refusal may be the echo of a success. The
 * document tells: it bears this write, or is as it was before, or is somebody else's.
 */
async function writeUnlessMoved(
  ref: DocumentReference,
  lastUpdateTime: Timestamp | undefined,
  fields: Fields,
  beside?: (batch: WriteBatch) => void,
): Promise<Timestamp | undefined> {
  const write = randomId();
  const stamped = { ...fields, [WRITE_FIELD]: write };
  const batch = ref.firestore.batch();
  if (lastUpdateTime === undefined) batch.create(ref, stamped);
  else batch.update(ref, stamped, { lastUpdateTime });
  beside?.(batch);
  try {
    const [written] = await within(READ_MS_MAX, batch.commit());
    return written?.writeTime;
  } catch (cause) {
    if (!REFUSED.has(grpcCode(cause)) && !isUnknownOutcome(cause)) throw cause;
    const found = await within(READ_MS_MAX, ref.get());
    if (found.get(WRITE_FIELD) === write) return found.updateTime;
    if (isSame(found.updateTime, lastUpdateTime)) throw cause;
    return undefined;
  }
}

const REFUSED: ReadonlySet<number | undefined> = new Set([
  GRPC.failedPrecondition,
  GRPC.alreadyExists,
  GRPC.notFound,
]);

const isSame = (a: Timestamp | undefined, b: Timestamp | undefined): boolean =>
  a === b || (a !== undefined && b !== undefined && a.isEqual(b));
