import { recoverJobs as recover } from "../../shared/transfers/run-transfer.ts";
import { scheduleFunction } from "../runtime/background-function.ts";

export const recoverJobs = scheduleFunction({
  name: "recover-jobs",
  open: (deps) => () => recover(deps),
});
