import { judgeRollouts as judge } from "../../shared/rollout/judge-rollouts.ts";
import { scheduleFunction } from "../runtime/background-function.ts";

export const judgeRollouts = scheduleFunction({
  name: "judge-rollouts",
  open: (deps) => () => judge(deps),
});
