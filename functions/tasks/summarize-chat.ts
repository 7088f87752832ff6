import { z } from "zod";
import { openCircuits } from "../../shared/assistant/circuits.ts";
import { summarizeChat as summarize } from "../../shared/assistant/summarize-chat.ts";
import { summarizeTask, titleTask } from "../../shared/assistant/tasks.ts";
import { titleChat } from "../../shared/assistant/title-chat.ts";
import { openChatLog } from "../../shared/chat/log/chat-log.ts";
import { appHandle } from "../../shared/identity/app.ts";
import { openAppDirectory } from "../../shared/identity/app-directory.ts";
import { openRevocations } from "../../shared/identity/revocations.ts";
import { taskFunction } from "../runtime/background-function.ts";

/** Says what a conversation is about: in a summary for models, or in a title for people. */
export const summarizeChat = taskFunction({
  task: { ...summarizeTask, payload: z.union([titleTask.payload, summarizeTask.payload]) },
  open(deps) {
    const apps = openAppDirectory(deps, openRevocations(deps));
    const summaryDeps = { ...deps, apps, circuits: openCircuits(deps), chatLog: openChatLog(deps) };
    return (task) => {
      const app = appHandle(deps.firestore, task.app);
      return "titled" in task ? titleChat(summaryDeps, app, task) : summarize(summaryDeps, app, task);
    };
  },
});
