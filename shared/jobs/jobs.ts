import { storedAs, demandStored } from "../platform/stored.ts";
import type { Deps } from "../platform/deps.ts";
import { AppError } from "../platform/errors.ts";
import type { CollectionReference, DocumentSnapshot, Firestore } from "../platform/firestore.ts";
import { Timestamp } from "../platform/firestore-values.ts";
import { randomId } from "../platform/ids.ts";
import { type NewestFirst, newestFirst } from "../platform/newest-first.ts";
import { commitOnce, requestRecord, systemRequestsOf } from "../platform/request-record.ts";
import { tryEnqueue } from "../platform/task.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";
import type { Cause, Job, JobState } from "./contract.ts";
import { jobTask } from "./tasks.ts";

/** Work that takes longer than a delivery may: done in steps, each from where the one before has come. */
export interface StoredJob {
  readonly kind: string;
  readonly state: JobState;
  readonly input: Readonly<Record<string, unknown>>;
  /** Where it goes on; the kind's own. */
  readonly cursor: string | null;
  readonly progress: StoredProgress;
  /** Counts the steps that were done; the next task is named after it. */
  readonly step: number;
  /** Attempts since the last step that was done. */
  readonly attempts: number;
  /** Until when somebody is trusted to be at it; null when nobody needs to be. */
  readonly leaseUntil: Timestamp | null;
  /** Whose it is; absent from jobs of the deployment. */
  readonly createdBy?: string;
  /** When its first step was begun. */
  readonly startedAt?: Timestamp;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: Cause;
  readonly createdAt: Timestamp;
  readonly updatedAt: Timestamp;
  readonly expireAt: Timestamp;
}
export const storedJob = storedAs<StoredJob>();

export type StoredProgress = Pick<Job["progress"], "done" | "total" | "failed" | "fraction">;

/** A step takes less; who takes longer is taken for dead. */
export const JOB_LEASE_MS = 60_000;
/** A step that fails so often ends the job. */
export const JOB_ATTEMPTS_MAX = 8;
const JOB_TTL_MS = 90 * 24 * 3600 * 1000;

export const jobsOf = (firestore: Firestore): CollectionReference =>
  firestore.collection("system").doc("operations").collection("jobs");

/**
 * Creates a job and has it begun; with the same key it is the same job. 1 write, 1 more with a key, 2 reads
 * where it exists, 1 task. A task that is lost is found by the schedule.
 */
export async function createJob(
  deps: Pick<Deps, "firestore" | "clock" | "tasks" | "log" | "keys">,
  { kind, input }: Pick<StoredJob, "kind" | "input">,
  requestKey: string | undefined,
): Promise<{ job: Job; replayed: boolean }> {
  const id = randomId();
  const stored = newJob({ kind, input }, deps.clock.now());
  const record = requestRecord(deps, systemRequestsOf(deps.firestore), ["job", kind, requestKey], input);
  const batch = deps.firestore.batch();
  batch.create(jobsOf(deps.firestore).doc(id), stored);
  const { result, replayed } = await commitOnce(deps, batch, record, { job: id });
  await tryEnqueue(deps, jobTask, { job: result.job, step: 0 }, { occasion: 0 });
  return { job: replayed ? await readJob(deps, result.job) : jobView(id, stored), replayed };
}

/** A job that nobody has begun yet. Pure. */
export function newJob({ kind, input }: Pick<StoredJob, "kind" | "input">, nowMs: number): StoredJob {
  const now = Timestamp.fromMillis(nowMs);
  return {
    kind,
    state: "pending",
    input,
    cursor: null,
    progress: { done: 0, failed: 0 },
    step: 0,
    attempts: 0,
    leaseUntil: now,
    createdAt: now,
    updatedAt: now,
    expireAt: Timestamp.fromMillis(nowMs + JOB_TTL_MS),
  };
}

/** One read. @throws AppError `not_found` */
export async function readJob(deps: Pick<Deps, "firestore">, id: string): Promise<Job> {
  const found = await within(READ_MS_MAX, jobsOf(deps.firestore).doc(id).get());
  if (!found.exists) throw new AppError("not_found", "There is no such job.");
  return viewOf(found);
}

/** A page of jobs, the newest first. One query, one read for each. */
export const listJobs = (
  deps: Pick<Deps, "firestore" | "keys">,
  page: { readonly cursor?: string | undefined; readonly limit: number },
): Promise<NewestFirst<Job>> =>
  newestFirst(deps, jobsOf(deps.firestore), { field: "createdAt", scope: ["jobs"], view: viewOf }, page);

const viewOf = (found: DocumentSnapshot): Job => jobView(found.id, demandStored(storedJob(found)));

export const jobView = (
  id: string,
  { kind, input, state, progress, attempts, result, error, startedAt, ...times }: StoredJob,
): Job => ({
  id,
  kind,
  input,
  state,
  progress: { ...progress, ...paceOf(progress, (startedAt ?? times.updatedAt).toMillis(), times) },
  attempts,
  ...(result === undefined ? {} : { result }),
  ...(error === undefined ? {} : { error }),
  createdAt: times.createdAt.toDate().toISOString(),
  updatedAt: times.updatedAt.toDate().toISOString(),
});

/** How fast it has gone so far, and how long the rest takes at that. */
function paceOf(
  { done, fraction }: StoredProgress,
  startedMs: number,
  { updatedAt }: Pick<StoredJob, "updatedAt">,
): Pick<Job["progress"], "perSecond" | "secondsLeft"> {
  const seconds = (updatedAt.toMillis() - startedMs) / 1000;
  if (seconds <= 0 || done === 0) return {};
  const perSecond = Math.round((done / seconds) * 100) / 100;
  if (fraction === undefined || fraction <= 0) return { perSecond };
  return { perSecond, secondsLeft: Math.ceil((seconds * (1 - fraction)) / fraction) };
}
