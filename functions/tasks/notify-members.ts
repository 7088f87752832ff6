import { appHandle } from "../../shared/identity/app.ts";
import { openRevocations } from "../../shared/identity/revocations.ts";
import { roundTask } from "../../shared/notify/tasks.ts";
import { recountUnread } from "../../shared/notify/note-unread.ts";
import { notifyMembers as notify } from "../../shared/notify/notify-members.ts";
import { withdrawPush } from "../../shared/notify/withdraw-push.ts";
import { taskFunction } from "../runtime/background-function.ts";

export const notifyMembers = taskFunction({
  task: roundTask,
  open(deps) {
    const deviceDeps = { ...deps, revocations: openRevocations(deps) };
    return (task) => {
      const app = appHandle(deps.firestore, task.app);
      if (task.recounts) return recountUnread(deps, app, task);
      return task.withdrawn ? withdrawPush(deviceDeps, app, task) : notify(deviceDeps, app, task);
    };
  },
});
