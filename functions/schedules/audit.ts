import { auditCounters } from "../../shared/chat/upkeep/audit-counters.ts";
import { openChatLog } from "../../shared/chat/log/chat-log.ts";
import { scheduleFunction } from "../runtime/background-function.ts";

export const audit = scheduleFunction({
  name: "audit",
  open(deps) {
    const chatDeps = { ...deps, chatLog: openChatLog(deps) };
    return () => auditCounters(chatDeps);
  },
});
