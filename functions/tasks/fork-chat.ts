import { z } from "zod";
import { openChatLog } from "../../shared/chat/log/chat-log.ts";
import { finishFork } from "../../shared/chat/branches/fork-chat.ts";
import { appHandle } from "../../shared/identity/app.ts";
import { AppId } from "../../shared/identity/contract.ts";
import { taskFunction } from "../runtime/background-function.ts";

/** Finishes a fork whose request did not. */
export const forkChat = taskFunction({
  name: "fork-chat",
  payload: z.object({ app: AppId, chat: z.number().int().min(1) }),
  open(deps) {
    const chatDeps = { ...deps, chatLog: openChatLog(deps) };
    return async ({ app, chat }) => {
      const { status, lastNumber } = await finishFork(chatDeps, appHandle(deps.firestore, app), chat);
      return { status, messages: lastNumber };
    };
  },
});
