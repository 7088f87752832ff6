import { defineRecoveredTask } from "../platform/task.ts";
import { JobTask } from "./contract.ts";

/**
 * Does the next step of a job. `occasion` is the lease at which the schedule found that nobody goes on; 0
 * otherwise.
 */
export const jobTask = defineRecoveredTask<JobTask, number | string>({
  name: "run-job",
  queue: "jobs",
  payload: JobTask,
  idOf: ({ job, step }, attempt) => ["job", job, String(step), String(attempt)],
  lost: {
    message: "A job's next step was not enqueued; the schedule does it.",
    facts: ({ job }) => ({ job }),
  },
});
