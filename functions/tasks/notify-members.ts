import { appHandle } from "../../shared/identity/app.ts";
import { openRevocations } from "../../shared/identity/revocations.ts";
import { roundTask } from "../../shared/notify/tasks.ts";
import { notifyMembers as notify } from "../../shared/notify/notify-members.ts";
import { taskFunction } from "../runtime/background-function.ts";

export const notifyMembers = taskFunction({
  task: roundTask,
  open(deps) {
    const deviceDeps = { ...deps, revocations: openRevocations(deps) };
    return (task) => notify(deviceDeps, appHandle(deps.firestore, task.app), task);
  },
});
