import { chatHandle } from "../../shared/chat/chat-handle.ts";
import { createAnswerHub } from "../../shared/assistant/answer-hub.ts";
import { type AnswerDeps, answerMessage } from "../../shared/assistant/answer-message.ts";
import { openCircuits } from "../../shared/assistant/circuits.ts";
import { answerTasks } from "../../shared/assistant/tasks.ts";
import { openChatLog } from "../../shared/chat/log/chat-log.ts";
import type { Lane } from "../../shared/chat/contract.ts";
import { appHandle } from "../../shared/identity/app.ts";
import { openAppDirectory } from "../../shared/identity/app-directory.ts";
import { openRevocations } from "../../shared/identity/revocations.ts";
import type { Deps } from "../../shared/platform/deps.ts";
import { openRollouts } from "../../shared/rollout/rollouts.ts";
import { taskFunction } from "../runtime/background-function.ts";

const openAnswerDeps = (deps: Deps): AnswerDeps => ({
  ...deps,
  chatLog: openChatLog(deps),
  answerHub: createAnswerHub(),
  apps: openAppDirectory(deps, openRevocations(deps)),
  circuits: openCircuits(deps),
  rollouts: openRollouts(deps),
});

/** One function for each lane, so that each has instances of its own. */
const answerIn = (lane: Lane) =>
  taskFunction({
    task: answerTasks[lane],
    open(deps) {
      const answerDeps = openAnswerDeps(deps);
      return ({ app, chat, answer }) =>
        answerMessage(answerDeps, chatHandle(appHandle(deps.firestore, app), chat), answer);
    },
  });

export const answerFast = answerIn("fast");
export const answerSlow = answerIn("slow");
