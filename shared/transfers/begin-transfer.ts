import type { App } from "../identity/app.ts";
import type { Principal } from "../identity/principal.ts";
import { TRANSACTION_MS_MAX } from "../identity/store.ts";
import type { Job } from "../jobs/contract.ts";
import { jobView, newJob, type StoredJob } from "../jobs/jobs.ts";
import type { Deps } from "../platform/deps.ts";
import { AppError } from "../platform/errors.ts";
import type { Transaction } from "../platform/firestore.ts";
import { randomId } from "../platform/ids.ts";
import {
  addRequest,
  recallRequest,
  type RequestRecord,
  requestRecord,
  resultOf,
} from "../platform/request-record.ts";
import { tryEnqueue } from "../platform/task.ts";
import { within } from "../platform/within.ts";
import { readTransfer } from "./read-transfers.ts";
import { countOpen, transferRef } from "./store.ts";
import { transferTask } from "./tasks.ts";
import { tellOf } from "./tell-of.ts";

type BeginDeps = Pick<Deps, "firestore" | "clock" | "tasks" | "log" | "keys">;

/** Transfers of one person that are not over. */
export const OPEN_TRANSFERS_MAX = 3;

export interface TransferRequest extends Pick<StoredJob, "kind" | "input"> {
  readonly requestKey: string | undefined;
  /**
   * Reads what it needs in the transaction that creates the job, and returns what writes beside it. @throws
   * AppError to refuse
   */
  readonly prepare?: (transaction: Transaction) => Promise<() => void>;
}

/**
 * Takes note of an import or export and has it begun. Idempotent under `requestKey`. 1 transaction with 1
 * count and 2 writes, 1 read and 1 write more with a key, what `prepare` does, and 1 task; a task that is
 * lost is made up for by `recover-jobs`.
 * @throws AppError `conflict` beyond OPEN_TRANSFERS_MAX, `idempotency_key_reused`; what `prepare` throws
 */
export async function beginTransfer(
  deps: BeginDeps,
  app: App,
  by: Principal,
  request: TransferRequest,
): Promise<{ job: Job; replayed: boolean }> {
  const { kind, input, prepare } = request;
  const record = recordOf(deps, app, by, request);
  const id = randomId();
  const fresh: StoredJob = { ...newJob({ kind, input }, deps.clock.now()), createdBy: by.id };
  const work = deps.firestore.runTransaction(async (transaction) => {
    const [found] = record === undefined ? [] : await transaction.getAll(record.ref);
    const before = record && found && resultOf<{ job: string }>(deps, record, found);
    if (before !== undefined) return before.job;
    if ((await countOpen(transaction, app, by.id)) >= OPEN_TRANSFERS_MAX) {
      throw new AppError("conflict", "Too many imports and exports are under way; wait or cancel one first.");
    }
    const write = await prepare?.(transaction);
    transaction.create(transferRef(app, id), { ...fresh });
    if (record !== undefined) addRequest(deps, transaction, record, { job: id });
    tellOf(deps, app, transaction, { id, stored: fresh });
    write?.();
    return id;
  });
  const job = await within(TRANSACTION_MS_MAX, work);
  await tryEnqueue(deps, transferTask, { app: app.id, job, step: 0 }, { occasion: 0 });
  const replayed = job !== id;
  return { job: replayed ? await readTransfer(app, by, job) : jobView(id, fresh), replayed };
}

/** The job that a request began; undefined when it began none, or it is forgotten. 2 reads. */
export async function recallTransfer(
  deps: Pick<Deps, "keys">,
  app: App,
  by: Principal,
  request: Omit<TransferRequest, "prepare">,
): Promise<Job | undefined> {
  const record = recordOf(deps, app, by, request);
  const before = record && (await recallRequest<{ job: string }>(deps, record));
  return before && readTransfer(app, by, before.job);
}

const recordOf = (
  deps: Pick<Deps, "keys">,
  app: App,
  by: Principal,
  { kind, input, requestKey }: Omit<TransferRequest, "prepare">,
): RequestRecord | undefined =>
  requestRecord(deps, app.collection("requests"), ["transfer", kind, app.id, by.id, requestKey], input);
