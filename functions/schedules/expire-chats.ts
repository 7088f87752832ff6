import { openChatLog } from "../../shared/chat/log/chat-log.ts";
import { expireChats as expire } from "../../shared/chat/upkeep/expire-chats.ts";
import { scheduleFunction } from "../runtime/background-function.ts";

export const expireChats = scheduleFunction({
  name: "expire-chats",
  open(deps) {
    const chatDeps = { ...deps, chatLog: openChatLog(deps) };
    return () => expire(chatDeps);
  },
});
