import { z } from "zod";
import { AppId } from "../identity/contract.ts";
import { defineTask } from "../platform/task.ts";

/** By then the request has made the copy, or will not any more. */
export const FORK_TASK_DELAY_MS = 60_000;

/** Finishes a fork whose request did not. */
export const forkTask = defineTask({
  name: "fork-chat",
  queue: "forks",
  payload: z.object({ app: AppId, chat: z.number().int().min(1) }),
  idOf: ({ app, chat }) => ["fork", app, String(chat)],
  delayMs: FORK_TASK_DELAY_MS,
});
