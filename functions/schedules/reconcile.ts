import { openChatLog } from "../../shared/chat/log/chat-log.ts";
import { reconcileChanges } from "../../shared/chat/upkeep/reconcile-changes.ts";
import { scheduleFunction } from "../runtime/background-function.ts";

export const reconcile = scheduleFunction({
  name: "reconcile",
  open(deps) {
    const chatDeps = { ...deps, chatLog: openChatLog(deps) };
    return () => reconcileChanges(chatDeps);
  },
});
