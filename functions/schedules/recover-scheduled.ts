import { recoverScheduled as recover } from "../../shared/chat/scheduled/recover-scheduled.ts";
import { scheduleFunction } from "../runtime/background-function.ts";

export const recoverScheduled = scheduleFunction({
  name: "recover-scheduled",
  open: (deps) => () => recover(deps),
});
