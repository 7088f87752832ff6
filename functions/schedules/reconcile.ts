import { openChatLog } from "../../shared/chat/chat-log.ts";
import { reconcileChanges } from "../../shared/chat/reconcile-changes.ts";
import { scheduleFunction } from "../runtime/background-function.ts";

export const reconcile = scheduleFunction({
  name: "reconcile",
  handle: (deps) => reconcileChanges({ ...deps, chatLog: openChatLog(deps) }),
});
