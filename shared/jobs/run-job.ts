import type { Deps } from "../platform/deps.ts";
import { AppError, toAppError } from "../platform/errors.ts";
import type { DocumentReference } from "../platform/firestore.ts";
import { Timestamp } from "../platform/firestore-values.ts";
import { claimLease, type Lease, writeLease } from "../platform/lease.ts";
import { tryEnqueue } from "../platform/task.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";
import type { Job, JobTask } from "./contract.ts";
import { JOB_ATTEMPTS_MAX, JOB_LEASE_MS, jobsOf, type StoredJob, storedJob } from "./jobs.ts";
import { jobTask } from "./tasks.ts";

/** How far a step has come. */
export interface Stepped {
  /** Where the next one begins; null when all is done. */
  readonly cursor: string | null;
  readonly done: number;
  readonly failed?: number;
  readonly total?: number | undefined;
  /** The next step begins no sooner, so that the job keeps to its rate. */
  readonly notBefore?: number;
  readonly result?: Readonly<Record<string, unknown>>;
}

/**
 * What a kind of job does in one step, of a few seconds. It may be cut short anywhere and is then done again
 * from the same cursor, so doing it twice must be doing it once. @throws to be tried again; `invalid_request`
 * and `conflict` end the job
 */
export type JobKind = (input: StoredJob["input"], cursor: string | null) => Promise<Stepped>;

/**
 * Does a job's next step, if it is the next: one worker at a time, by lease. 1 read, 2 writes and 1 task
 * besides what the step costs.
 * @throws AppError `unavailable` while another worker is alive; what the step has failed with
 */
export async function runJob(
  deps: Pick<Deps, "firestore" | "clock" | "tasks" | "log">,
  kinds: Readonly<Record<string, JobKind>>,
  { job: id, step }: JobTask,
): Promise<{ job: string; kind?: string; state: string; done?: number }> {
  const ref = jobsOf(deps.firestore).doc(id);
  const claimed = await claimStep(deps, ref, step);
  if (claimed === undefined) return { job: id, state: "done before" };
  const { stored, lease } = claimed;
  const { kind } = stored;
  try {
    const run = kinds[kind];
    if (run === undefined) throw new AppError("conflict", "There is no such kind of job any more.");
    const stepped = await run(stored.input, stored.cursor);
    const next = nextState(stored, stepped);
    await finish(deps, lease, next);
    if (stepped.cursor !== null) {
      const { notBefore } = stepped;
      await tryEnqueue(deps, jobTask, { job: id, step: stored.step + 1 }, { occasion: 0, notBefore });
    }
    return { job: id, kind, state: next.state ?? "running", done: next.progress?.done ?? 0 };
  } catch (cause) {
    const error = toAppError(cause);
    const isOver = error.code === "conflict" || error.code === "invalid_request";
    if (!isOver && stored.attempts < JOB_ATTEMPTS_MAX) {
      await finish(deps, lease, { leaseUntil: Timestamp.fromMillis(deps.clock.now()) });
      throw cause;
    }
    const { code, message } = error;
    await finish(deps, lease, { state: "failed", leaseUntil: null, error: { code, message } });
    deps.log.error("A job has failed.", cause, { event: "job.failed", job: id, kind });
    return { job: id, kind, state: "failed" };
  }
}

function nextState(stored: StoredJob, stepped: Stepped): Partial<StoredJob> {
  const { progress } = stored;
  const total = stepped.total ?? progress.total;
  const next: Job["progress"] = {
    done: progress.done + stepped.done,
    failed: progress.failed + (stepped.failed ?? 0),
    ...(total === undefined ? {} : { total }),
  };
  const isOver = stepped.cursor === null;
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
  deps: Pick<Deps, "firestore" | "clock">,
  ref: DocumentReference,
  step: number,
): Promise<{ stored: StoredJob; lease: Lease } | undefined> {
  const nowMs = deps.clock.now();
  const now = Timestamp.fromMillis(nowMs);
  const leaseUntil = Timestamp.fromMillis(nowMs + JOB_LEASE_MS);
  const found = await within(READ_MS_MAX, ref.get());
  const before = storedJob(found);
  const isOver = before === undefined || before.state === "completed" || before.state === "failed";
  if (isOver || before.step !== step) return undefined;
  if (before.state === "running" && before.attempts > 0 && (before.leaseUntil?.toMillis() ?? 0) > nowMs) {
    throw anotherIsAtIt();
  }
  const claim = { state: "running" as const, attempts: before.attempts + 1, leaseUntil, updatedAt: now };
  const lease = await claimLease(found, claim);
  if (lease === undefined) throw anotherIsAtIt();
  return { stored: { ...before, ...claim }, lease };
}

const anotherIsAtIt = (): AppError =>
  new AppError("unavailable", "Another worker is at this job.", { retryAfterSeconds: 5 });

/** @throws AppError `unavailable` when another worker has taken the job over */
async function finish(deps: Pick<Deps, "clock">, lease: Lease, change: Partial<StoredJob>): Promise<void> {
  const updatedAt = Timestamp.fromMillis(deps.clock.now());
  if (!(await writeLease(lease, { ...change, updatedAt }))) throw anotherIsAtIt();
}

/** Jobs looked at in one run; the next goes on. */
const RECOVERED_MAX = 200;

/**
 * Enqueues jobs that nobody goes on with. One query, a read and a task for each. Idempotent.
 * @throws when Firestore fails; the next run continues
 */
export async function recoverJobs(
  deps: Pick<Deps, "firestore" | "clock" | "tasks" | "log">,
): Promise<{ recovered: number }> {
  const overdue = Timestamp.fromMillis(deps.clock.now() - JOB_LEASE_MS);
  const query = jobsOf(deps.firestore)
    .where("leaseUntil", "<", overdue)
    .orderBy("leaseUntil")
    .limit(RECOVERED_MAX);
  const found = await within(READ_MS_MAX, query.get());
  for (const document of found.docs) {
    const { step, leaseUntil } = storedJob(document);
    const occasion = leaseUntil?.toMillis() ?? 0;
    await tryEnqueue(deps, jobTask, { job: document.id, step }, { occasion });
  }
  return { recovered: found.size };
}
