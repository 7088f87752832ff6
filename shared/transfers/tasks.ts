import { defineRecoveredTask } from "../platform/task.ts";
import { TransferTask } from "./contract.ts";

/**
 * Does the next step of an import or an export. `occasion` is the lease at which the schedule found that
 * nobody goes on; 0 otherwise.
 */
export const transferTask = defineRecoveredTask<TransferTask, number | string>({
  name: "run-transfer",
  queue: "transfers",
  payload: TransferTask,
  idOf: ({ app, job, step }, occasion) => ["transfer", app, job, String(step), String(occasion)],
  lost: {
    message: "A transfer's next step was not enqueued; the schedule does it.",
    facts: ({ app, job }) => ({ app, job }),
  },
});
