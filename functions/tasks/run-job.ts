import { MOVE, moveApp } from "../../shared/cells/move-app.ts";
import { jobTask } from "../../shared/jobs/tasks.ts";
import { REPLAY_ALL, replayAll } from "../../shared/jobs/replay-all.ts";
import { runJob as run } from "../../shared/jobs/run-job.ts";
import { MIGRATE, migrate } from "../../shared/migrations/migrate.ts";
import { taskFunction } from "../runtime/background-function.ts";
import { deliveredBy } from "../runtime/deliveries.ts";

/** Does the next step of a job of the deployment. */
export const runJob = taskFunction({
  task: jobTask,
  open(deps) {
    const kinds = {
      [REPLAY_ALL]: replayAll({ ...deps, deliveredBy }),
      [MIGRATE]: migrate(deps),
      [MOVE]: moveApp(deps),
    };
    return (task) => run(deps, kinds, task);
  },
});
