import { SEND_MAIL } from "../identity/tasks.ts";
import { LOOK_AGAIN_MS } from "../notify/tasks.ts";
import { defineRecoveredTask, defineTask } from "../platform/task.ts";
import { TransferMail, TransferTask } from "./contract.ts";

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

/** Mails whoever has begun a transfer that it is over, once it shows whether they are there to see it. */
export const transferMailTask = defineTask<TransferMail>({
  ...SEND_MAIL,
  payload: TransferMail,
  idOf: ({ app, transfer }) => ["transfer-mail", app, transfer],
  delayMs: LOOK_AGAIN_MS,
});
