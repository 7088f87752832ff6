import { appHandle } from "../../shared/identity/app.ts";
import { runIndexTask } from "../../shared/search/index-chat.ts";
import { indexTask } from "../../shared/search/tasks.ts";
import { runRebuildTask } from "../../shared/search/rebuild-index.ts";
import { taskFunction } from "../runtime/background-function.ts";

/** Writes search entries anew: those of a chat, or the next of an app that is being rebuilt. */
export const indexMessages = taskFunction({
  task: indexTask,
  open: (deps) => (task) => {
    const app = appHandle(deps.firestore, task.app);
    return "rebuild" in task ? runRebuildTask(deps, app, task) : runIndexTask(deps, app, task);
  },
});
