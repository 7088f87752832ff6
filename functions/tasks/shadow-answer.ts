import { shadowTask } from "../../shared/assistant/tasks.ts";
import { shadowAnswer as answerInShadow } from "../../shared/assistant/shadow-answer.ts";
import { appHandle } from "../../shared/identity/app.ts";
import { openAppDirectory } from "../../shared/identity/app-directory.ts";
import { openRevocations } from "../../shared/identity/revocations.ts";
import { taskFunction } from "../runtime/background-function.ts";

export const shadowAnswer = taskFunction({
  task: shadowTask,
  open(deps) {
    const apps = openAppDirectory(deps, openRevocations(deps));
    return (task) => answerInShadow({ ...deps, apps }, appHandle(deps.firestore, task.app), task);
  },
});
