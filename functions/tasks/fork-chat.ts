import { chatHandle } from "../../shared/chat/chat-handle.ts";
import { openChatLog } from "../../shared/chat/log/chat-log.ts";
import { finishFork } from "../../shared/chat/branches/fork-chat.ts";
import { appHandle } from "../../shared/identity/app.ts";
import { forkTask } from "../../shared/chat/tasks.ts";
import { taskFunction } from "../runtime/background-function.ts";

/** Finishes a fork whose request did not. */
export const forkChat = taskFunction({
  task: forkTask,
  open(deps) {
    const chatDeps = { ...deps, chatLog: openChatLog(deps) };
    return async ({ app, chat }) => {
      const { status, lastNumber } = await finishFork(
        chatDeps,
        chatHandle(appHandle(deps.firestore, app), chat),
      );
      return { status, messages: lastNumber };
    };
  },
});
