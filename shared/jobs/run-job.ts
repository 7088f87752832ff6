import type { Deps } from "../platform/deps.ts";
import { AppError, toAppError } from "../platform/errors.ts";
import type { CollectionReference, DocumentReference, Query, WriteBatch } from "../platform/firestore.ts";
import { Timestamp } from "../platform/firestore-values.ts";
import { claimLease, type Lease, writeLease } from "../platform/lease.ts";
import { recoverEach, timesOverdue } from "../platform/recover.ts";
import { tryEnqueue } from "../platform/task.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";
import type { JobTask } from "./contract.ts";
import {
  JOB_ATTEMPTS_MAX,
  JOB_LEASE_MS,
  jobsOf,
  type StoredJob,
  storedJob,
  type StoredProgress,
} from "./jobs.ts";
import { jobTask } from "./tasks.ts";

/** How far a step has come. */
export interface Stepped {
  /** Where the next one begins; null when all is done. */
  readonly cursor: string | null;
  readonly done: number;
  readonly failed?: number;
  readonly total?: number | undefined;
  /** How much of the job is done, from 0 to 1. */
  readonly fraction?: number | undefined;
  /** The next step begins no sooner, so that the job keeps to its rate. */
  readonly notBefore?: number;
  readonly result?: Readonly<Record<string, unknown>>;
}

/**
 * The job whose step is to be done. `attempts` is 1 unless an attempt at this very step has died or failed.
 */
export interface StepOf extends Pick<
  StoredJob,
  "step" | "attempts" | "createdBy" | "createdAt" | "progress"
> {
  readonly id: string;
}

/**
 * What a kind of job does in one step, of a few seconds. It may be cut short anywhere and is then done again
 * from the same cursor, so doing it twice must be doing it once. @throws to be tried again; `invalid_request`
 * and `conflict` end the job
 */
export type JobKind = (input: StoredJob["input"], cursor: string | null, of: StepOf) => Promise<Stepped>;

/** Where jobs lie, and what goes with them. */
export interface JobPlace {
  readonly jobs: CollectionReference;
  enqueue(task: JobTask, notBefore: number | undefined): Promise<void>;
  /** What is written in the very commit that brings a job to a state, fields of the job included. */
  beside?(job: string, next: StoredJob): JobBeside;
}

export interface JobBeside {
  readonly fields: Partial<StoredJob>;
  add(batch: WriteBatch): void;
}

const operatorsPlace = (deps: Pick<Deps, "firestore" | "clock" | "tasks" | "log">): JobPlace => ({
  jobs: jobsOf(deps.firestore),
  enqueue: (task, notBefore) => tryEnqueue(deps, jobTask, task, { occasion: 0, notBefore }),
});

type RunDeps = Pick<Deps, "firestore" | "clock" | "tasks" | "log">;

/** Does the next step of a job of the deployment, as `runJobIn` says. */
export const runJob = (
  deps: RunDeps,
  kinds: Readonly<Record<string, JobKind>>,
  task: JobTask,
): Promise<Ran> => runJobIn(deps, operatorsPlace(deps), kinds, task);

export interface Ran {
  readonly job: string;
  readonly kind?: string;
  readonly state: string;
  readonly done?: number;
}

/**
 * Does a job's next step, if it is the next: one worker at a time, by lease. 1 read, 2 writes and 1 task
 * besides what the step costs.
 * @throws AppError `unavailable` while another worker is alive; what the step has failed with
 */
export async function runJobIn(
  deps: Pick<Deps, "clock" | "log">,
  place: JobPlace,
  kinds: Readonly<Record<string, JobKind>>,
  { job: id, step }: JobTask,
): Promise<Ran> {
  const claimed = await claimStep(deps, place.jobs.doc(id), step);
  if (typeof claimed === "string") return { job: id, state: claimed };
  const { stored, lease } = claimed;
  const { kind } = stored;
  const finish = (change: Partial<StoredJob>): Promise<void> =>
    finishStep(deps, place, { id, stored, lease }, change);
  try {
    const run = kinds[kind];
    if (run === undefined) throw new AppError("conflict", "There is no such kind of job any more.");
    const stepped = await run(stored.input, stored.cursor, { id, ...stored });
    const next = nextState(stored, stepped);
    await finish(next);
    if (stepped.cursor !== null) await place.enqueue({ job: id, step: stored.step + 1 }, stepped.notBefore);
    return { job: id, kind, state: next.state ?? "running", done: next.progress?.done ?? 0 };
  } catch (cause) {
    const error = toAppError(cause);
    const isOver = error.code === "conflict" || error.code === "invalid_request";
    if (!isOver && stored.attempts < JOB_ATTEMPTS_MAX) {
      await finish({ leaseUntil: Timestamp.fromMillis(deps.clock.now()) });
      throw cause;
    }
    const { code, message } = error;
    await finish({ state: "failed", leaseUntil: null, error: { code, message } });
    deps.log.error("A job has failed.", cause, { event: "job.failed", job: id, kind });
    return { job: id, kind, state: "failed" };
  }
}

function nextState(stored: StoredJob, stepped: Stepped): Partial<StoredJob> {
  const { progress } = stored;
  const isOver = stepped.cursor === null;
  const total = stepped.total ?? progress.total;
  const fraction = isOver && progress.fraction !== undefined ? 1 : (stepped.fraction ?? progress.fraction);
  const next: StoredProgress = {
    done: progress.done + stepped.done,
    failed: progress.failed + (stepped.failed ?? 0),
    ...(total === undefined ? {} : { total }),
    ...(fraction === undefined ? {} : { fraction }),
  };
  return {
    cursor: stepped.cursor,
    progress: next,
    step: stored.step + 1,
    attempts: 0,
    ...(isOver ? { state: "completed" as const, leaseUntil: null } : {}),
    ...(isOver ? {} : { leaseUntil: Timestamp.fromMillis(stepped.notBefore ?? stored.updatedAt.toMillis()) }),
    ...(stepped.result === undefined ? {} : { result: stepped.result }),
  };
}

async function claimStep(
  deps: Pick<Deps, "clock">,
  ref: DocumentReference,
  step: number,
): Promise<{ stored: StoredJob; lease: Lease } | "done before" | "over before"> {
  const nowMs = deps.clock.now();
  const now = Timestamp.fromMillis(nowMs);
  const leaseUntil = Timestamp.fromMillis(nowMs + JOB_LEASE_MS);
  const found = await within(READ_MS_MAX, ref.get());
  const before = storedJob(found);
  if (before === undefined || before.state === "completed" || before.state === "failed") return "over before";
  if (before.step !== step) return "done before";
  if (before.state === "running" && before.attempts > 0 && (before.leaseUntil?.toMillis() ?? 0) > nowMs) {
    throw anotherIsAtIt();
  }
  const claim = {
    state: "running" as const,
    attempts: before.attempts + 1,
    leaseUntil,
    startedAt: before.startedAt ?? now,
    updatedAt: now,
  };
  const lease = await claimLease(found, claim);
  if (lease === undefined) throw anotherIsAtIt();
  return { stored: { ...before, ...claim }, lease };
}

const anotherIsAtIt = (): AppError =>
  new AppError("unavailable", "Another worker is at this job.", { retryAfterSeconds: 5 });

/** @throws AppError `unavailable` when another worker has taken the job over, or it was cancelled */
async function finishStep(
  deps: Pick<Deps, "clock">,
  place: JobPlace,
  { id, stored, lease }: { readonly id: string; readonly stored: StoredJob; readonly lease: Lease },
  change: Partial<StoredJob>,
): Promise<void> {
  const next = { ...change, updatedAt: Timestamp.fromMillis(deps.clock.now()) };
  const beside = place.beside?.(id, { ...stored, ...next });
  const fields = { ...next, ...beside?.fields };
  if (!(await writeLease(lease, fields, beside?.add))) throw anotherIsAtIt();
}

/**
 * Enqueues those of these jobs that nobody goes on with; `occasion` is for the task's name. A read for each,
 * and 1 query for each 500. Idempotent.
 * @throws when Firestore fails; the next run continues
 */
export async function recoverJobsOf(
  { clock }: Pick<Deps, "clock">,
  jobs: Query,
  enqueueStep: (job: DocumentReference, step: number, occasion: number | string) => Promise<void>,
): Promise<{ recovered: number; isCut: boolean }> {
  const nowMs = clock.now();
  const overdue = jobs
    .where("leaseUntil", "<", Timestamp.fromMillis(nowMs - JOB_LEASE_MS))
    .orderBy("leaseUntil");
  return recoverEach(overdue, async (document) => {
    const { step, leaseUntil } = storedJob(document);
    const lease = leaseUntil?.toMillis() ?? 0;
    const times = timesOverdue(nowMs, lease);
    await enqueueStep(document.ref, step, times === 0 ? lease : `${lease}.${times}`);
  });
}
