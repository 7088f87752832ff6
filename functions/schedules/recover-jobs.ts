import { recoverJobs as recover } from "../../shared/jobs/run-job.ts";
import { scheduleFunction } from "../runtime/background-function.ts";

export const recoverJobs = scheduleFunction({
  name: "recover-jobs",
  open: (deps) => () => recover(deps),
});
