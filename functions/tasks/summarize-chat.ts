import { openCircuits } from "../../shared/assistant/circuits.ts";
import { SummaryTask } from "../../shared/assistant/contract.ts";
import { SUMMARIZE_FUNCTION, summarizeChat } from "../../shared/assistant/summarize-chat.ts";
import { appHandle } from "../../shared/identity/app.ts";
import { openAppDirectory } from "../../shared/identity/app-directory.ts";
import { openRevocations } from "../../shared/identity/revocations.ts";
import { taskFunction } from "../runtime/background-function.ts";

export const summarizeChatTask = taskFunction({
  name: SUMMARIZE_FUNCTION,
  payload: SummaryTask,
  open(deps) {
    const apps = openAppDirectory(deps, openRevocations(deps));
    const summaryDeps = { ...deps, apps, circuits: openCircuits(deps) };
    return (task) => summarizeChat(summaryDeps, appHandle(deps.firestore, task.app), task);
  },
});
