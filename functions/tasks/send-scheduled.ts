import { openClassification } from "../../shared/assistant/classify-question.ts";
import { enqueueAsked } from "../../shared/assistant/tasks.ts";
import { appendMessage } from "../../shared/chat/log/append-message.ts";
import { openChatLog } from "../../shared/chat/log/chat-log.ts";
import { openHooks } from "../../shared/chat/moderation/hook.ts";
import { textJudgeFor } from "../../shared/chat/moderation/judge-new.ts";
import { sendScheduled as send } from "../../shared/chat/scheduled/send-scheduled.ts";
import { sendScheduledTask } from "../../shared/chat/tasks.ts";
import { appHandle } from "../../shared/identity/app.ts";
import { openAppDirectory } from "../../shared/identity/app-directory.ts";
import { openRevocations } from "../../shared/identity/revocations.ts";
import { openRollouts } from "../../shared/rollout/rollouts.ts";
import { taskFunction } from "../runtime/background-function.ts";

/** Sends a message at the time that its writer has given it, as a request of theirs would. */
export const sendScheduled = taskFunction({
  task: sendScheduledTask,
  open(deps) {
    const apps = openAppDirectory(deps, openRevocations(deps));
    const chatLog = openChatLog(deps);
    const sendDeps = { ...deps, chatLog, hooks: openHooks({ ...deps, apps }), rollouts: openRollouts(deps) };
    return (task) => {
      const app = appHandle(deps.firestore, task.app);
      return send(sendDeps, app, task, async (chat, writer, request) => {
        const classify = await openClassification(sendDeps, app, writer);
        const judge = await textJudgeFor(sendDeps, app, writer);
        const { message, queued } = await appendMessage(sendDeps, chat, writer, {
          ...request,
          classify,
          judge,
        });
        if (queued !== undefined) await enqueueAsked(deps, chat, queued);
        return message;
      });
    };
  },
});
