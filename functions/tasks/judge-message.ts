import { openChatLog } from "../../shared/chat/log/chat-log.ts";
import { openHooks } from "../../shared/chat/moderation/hook.ts";
import { judgeStored } from "../../shared/chat/moderation/judge-stored.ts";
import { judgeTask } from "../../shared/chat/tasks.ts";
import { appHandle } from "../../shared/identity/app.ts";
import { openAppDirectory } from "../../shared/identity/app-directory.ts";
import { openRevocations } from "../../shared/identity/revocations.ts";
import { taskFunction } from "../runtime/background-function.ts";

/** Asks an app's own hook about a message that stands. */
export const judgeMessage = taskFunction({
  task: judgeTask,
  open(deps) {
    const apps = openAppDirectory(deps, openRevocations(deps));
    const judgeDeps = { ...deps, chatLog: openChatLog(deps), hooks: openHooks({ ...deps, apps }) };
    return (task) => judgeStored(judgeDeps, appHandle(deps.firestore, task.app), task);
  },
});
