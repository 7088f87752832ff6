import { createAnswerHub } from "../../shared/assistant/answer-hub.ts";
import { answerMessage } from "../../shared/assistant/answer-message.ts";
import { laneQueue } from "../../shared/assistant/ask.ts";
import { AnswerTask } from "../../shared/assistant/contract.ts";
import { openChatLog } from "../../shared/chat/chat-log.ts";
import type { Lane } from "../../shared/chat/contract.ts";
import { appHandle } from "../../shared/identity/app.ts";
import { taskFunction } from "../runtime/background-function.ts";

/** One function for each lane, so that each has instances of its own. */
const answerIn = (lane: Lane) =>
  taskFunction({
    name: laneQueue(lane),
    payload: AnswerTask,
    open(deps) {
      const answerDeps = { ...deps, chatLog: openChatLog(deps), answerHub: createAnswerHub() };
      return ({ app, chat, answer }) =>
        answerMessage(answerDeps, appHandle(deps.firestore, app), chat, answer);
    },
  });

export const answerFast = answerIn("fast");
export const answerSlow = answerIn("slow");
