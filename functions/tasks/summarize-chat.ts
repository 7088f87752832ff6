import { openCircuits } from "../../shared/assistant/circuits.ts";
import { summarizeTask } from "../../shared/assistant/tasks.ts";
import { summarizeChat as summarize } from "../../shared/assistant/summarize-chat.ts";
import { appHandle } from "../../shared/identity/app.ts";
import { openAppDirectory } from "../../shared/identity/app-directory.ts";
import { openRevocations } from "../../shared/identity/revocations.ts";
import { taskFunction } from "../runtime/background-function.ts";

export const summarizeChat = taskFunction({
  task: summarizeTask,
  open(deps) {
    const apps = openAppDirectory(deps, openRevocations(deps));
    const summaryDeps = { ...deps, apps, circuits: openCircuits(deps) };
    return (task) => summarize(summaryDeps, appHandle(deps.firestore, task.app), task);
  },
});
