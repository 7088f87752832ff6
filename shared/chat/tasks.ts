import { z } from "zod";
import { AppId } from "../identity/contract.ts";
import { defineRecoveredTask, defineTask } from "../platform/task.ts";

/** By then the request has made the copy, or will not any more. */
export const FORK_TASK_DELAY_MS = 60_000;

const ForkTask = z.object({ app: AppId, chat: z.number().int().min(1) });
export type ForkTask = z.infer<typeof ForkTask>;

/**
 * Finishes a fork whose request did not. `occasion` is when the reconciler found that its task did not
 * either.
 */
export const forkTask = defineTask<ForkTask, number | undefined>({
  name: "fork-chat",
  queue: "forks",
  payload: ForkTask,
  idOf: ({ app, chat }, occasion) => [
    "fork",
    app,
    String(chat),
    ...(occasion === undefined ? [] : [String(occasion)]),
  ],
  delayMs: FORK_TASK_DELAY_MS,
});

const JudgeTask = z.object({
  app: AppId,
  chat: z.number().int().min(1),
  message: z.number().int().min(1),
  /** Of the text that is meant. */
  revision: z.number().int().min(1),
  /** How often the hook has failed to judge it. */
  failures: z.number().int().min(0).default(0),
});
export type JudgeTask = z.infer<typeof JudgeTask>;

/** Has the app's hook judge a message that stands; named after the text and how often that was tried. */
export const judgeTask = defineTask({
  name: "judge-message",
  queue: "moderation",
  payload: JudgeTask,
  idOf: ({ app, chat, message, revision, failures }) => [
    "judge",
    app,
    ...[chat, message, revision, failures].map(String),
  ],
});

const SendScheduled = z.object({
  app: AppId,
  id: z.string().min(1).max(100),
  /** Which of the times that it was given is meant. */
  version: z.number().int().min(1),
});
export type SendScheduled = z.infer<typeof SendScheduled>;

/** Sends a scheduled message; `recover-scheduled` finds those whose task was lost. */
export const sendScheduledTask = defineRecoveredTask<SendScheduled, string>({
  name: "send-scheduled",
  queue: "scheduled",
  payload: SendScheduled,
  idOf: ({ app, id, version }, occasion) => ["send-scheduled", app, id, String(version), occasion],
  lost: {
    message: "A scheduled message's task could not be enqueued; it is sent a minute late.",
    facts: ({ app }) => ({ app }),
  },
});
