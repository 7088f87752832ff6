import type { ChatHandle } from "../chat/chat-handle.ts";
import type { Lane } from "../chat/contract.ts";
import type { QueuedQuestion } from "../chat/log/append-answer.ts";
import type { Deps } from "../platform/deps.ts";
import { defineRecoveredTask, tryEnqueue } from "../platform/task.ts";
import { AnswerTask, ShadowTask, SummaryTask, TitleTask } from "./contract.ts";

/** `occasion` names the attempt: enqueuing the same attempt again is enqueuing it once. */
const answerTask = (lane: Lane) =>
  defineRecoveredTask<AnswerTask, string>({
    name: `answer-${lane}`,
    queue: `answer-${lane}`,
    payload: AnswerTask,
    idOf: ({ app, chat, answer }, attempt) => ["answer", app, String(chat), answer, attempt],
    lost: {
      message: "An answer could not be enqueued; the schedule will.",
      facts: ({ app, chat }) => ({ app, chat }),
    },
  });

/**
 * Answers a question. Each lane has a queue and a function of its own, so that no answer waits behind those
 * of the other. The schedule finds an answer that nobody begins.
 */
export const answerTasks = { fast: answerTask("fast"), slow: answerTask("slow") } as const;

/**
 * Has the answer to a question that was just queued made in the background. 1 task; it never throws, as the
 * schedule finds an answer without one.
 */
export const enqueueAsked = (
  deps: Pick<Deps, "clock" | "log" | "tasks">,
  chat: ChatHandle,
  { id, lane }: QueuedQuestion,
): Promise<unknown> => {
  const payload = { app: chat.app.id, chat: chat.number, answer: id };
  return tryEnqueue(deps, answerTasks[lane], payload, { occasion: "asked" });
};

/** Summarises the conversation before an answer. The next answer makes up for a lost one. */
export const summarizeTask = defineRecoveredTask<SummaryTask>({
  name: "summarize-chat",
  queue: "summaries",
  payload: SummaryTask,
  idOf: ({ app, chat, branch, number }) => ["summarize", app, String(chat), branch, String(number)],
  lost: {
    message: "A summary was not enqueued; the next answer does it.",
    facts: ({ app, chat }) => ({ app, chat }),
  },
});

/** Gives a chat its title after its first answer; the next answer makes up for a lost one. */
export const titleTask = defineRecoveredTask<TitleTask>({
  name: "summarize-chat",
  queue: "summaries",
  payload: TitleTask,
  idOf: ({ app, chat, titled }) => ["title", app, String(chat), String(titled)],
  lost: {
    message: "A title was not enqueued; the next answer does it.",
    facts: ({ app, chat }) => ({ app, chat }),
  },
});

/** Has another model answer the same question, for comparison only. A lost one is not counted. */
export const shadowTask = defineRecoveredTask<ShadowTask>({
  name: "shadow-answer",
  queue: "shadows",
  payload: ShadowTask,
  idOf: ({ app, chat, answer, model }) => ["shadow", app, String(chat), answer, model],
  lost: {
    message: "An answer is not compared with that of the other version.",
    facts: ({ app }) => ({ app }),
  },
});
