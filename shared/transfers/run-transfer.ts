import { type App, appHandle } from "../identity/app.ts";
import type { Principal } from "../identity/principal.ts";
import { readDocument, storedUser, userRef } from "../identity/store.ts";
import type { StoredJob } from "../jobs/jobs.ts";
import {
  type JobKind,
  type JobPlace,
  type Ran,
  recoverJobsOf,
  runJobIn,
  type StepOf,
  type Stepped,
} from "../jobs/run-job.ts";
import { jobTask } from "../jobs/tasks.ts";
import type { Deps } from "../platform/deps.ts";
import { AppError } from "../platform/errors.ts";
import { enqueue, tryEnqueue } from "../platform/task.ts";
import type { TransferTask } from "./contract.ts";
import { allJobs, transfersOf } from "./store.ts";
import { transferMailTask, transferTask } from "./tasks.ts";
import { ended, isOver, tellOf } from "./tell-of.ts";

/** A transfer whose next step is to be done. */
export interface Transfer extends StepOf {
  readonly app: App;
  /** Whose it is, with the rights that they have now. */
  readonly by: Principal;
  readonly input: StoredJob["input"];
  readonly cursor: string | null;
  /** By then, of `performance.now()`, the step is to have come to an end; the next goes on. */
  readonly endMs: number;
}

/**
 * A kind of transfer. A step may be cut short anywhere and is then done again from the same cursor, so doing
 * it twice must be doing it once. @throws to be tried again; `invalid_request` and `conflict` end the
 * transfer, with their message as its reason
 */
export interface TransferKind {
  readonly kind: string;
  step(transfer: Transfer): Promise<Stepped>;
}

/** How long a step works before it leaves the rest to the next: well within the lease (JOB_LEASE_MS). */
export const TRANSFER_STEP_MS = 15_000;

type RunDeps = Pick<Deps, "firestore" | "clock" | "tasks" | "log">;

/**
 * Does a transfer's next step, one worker at a time, and tells its person how it stands, by mail too once it
 * is over. 2 reads, 3 writes and 1 task besides what the step costs.
 * @throws AppError `unavailable` while another worker is alive; what the step has failed with
 */
export async function runTransfer(
  deps: RunDeps,
  kinds: readonly TransferKind[],
  { app: appId, job, step }: TransferTask,
): Promise<Ran> {
  const app = appHandle(deps.firestore, appId);
  const run = ({ step: work }: TransferKind): JobKind => {
    return async (input, cursor, { createdBy = "", ...of }) => {
      const endMs = performance.now() + TRANSFER_STEP_MS;
      return work({ ...of, app, by: await ownerOf(app, createdBy), input, cursor, endMs });
    };
  };
  const byName = Object.fromEntries(kinds.map((kind) => [kind.kind, run(kind)]));
  const ran = await runJobIn(deps, placeIn(deps, app), byName, { job, step });
  // Whoever has ended it may have died before the mail was enqueued; a second one has the same name.
  if (OVER.has(ran.state)) await enqueue(deps, transferMailTask, { app: appId, transfer: job });
  return ran;
}

const OVER: ReadonlySet<string> = new Set(["completed", "failed", "over before"]);

/** @throws AppError `conflict` once they have left, or were shut out */
async function ownerOf(app: App, id: string): Promise<Principal> {
  if (id === "operator") return { id, kind: "operator", role: "owner" };
  const { data: user } = await readDocument(userRef(app, id), storedUser);
  if (user === undefined || user.status !== undefined) {
    throw new AppError("conflict", "Whoever has begun this has no account any more.");
  }
  return { id, kind: "person", role: user.role };
}

const placeIn = (deps: RunDeps, app: App): JobPlace => ({
  jobs: transfersOf(app),
  enqueue: ({ job, step }, notBefore) =>
    tryEnqueue(deps, transferTask, { app: app.id, job, step }, { occasion: 0, notBefore }),
  beside: (id, stored) => ({
    fields: isOver(stored) ? ended(deps.clock.now()) : {},
    add: (batch) => tellOf(deps, app, batch, { id, stored }),
  }),
});

/**
 * Enqueues jobs, of the deployment and of people, that nobody goes on with. A read and a task for each, and 1
 * query for each 500. Idempotent.
 * @throws when Firestore fails; the next run continues
 */
export const recoverJobs = (deps: RunDeps): Promise<{ recovered: number; isCut: boolean }> =>
  recoverJobsOf(deps, allJobs(deps.firestore), async ({ id: job, parent }, step, occasion) => {
    const owner = parent.parent;
    if (owner?.parent.id === "apps") {
      await tryEnqueue(deps, transferTask, { app: owner.id, job, step }, { occasion });
    } else await tryEnqueue(deps, jobTask, { job, step }, { occasion });
  });
