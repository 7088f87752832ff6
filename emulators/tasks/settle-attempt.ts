import type { Outcome } from "../kernel/http-delivery.ts";
import * as limits from "./limits.ts";
import { backoffMs, isExhausted } from "./retry.ts";
import type { TaskState } from "./state.ts";
import type { Attempt, Progress } from "./task.ts";

/** A task that was deleted because its attempts were used up. */
export interface ExhaustedTask {
  readonly name: string;
  readonly attempts: number;
  readonly reason: string;
  readonly atMs: number;
}

/**
 * Applies the end of an attempt to its task: completed, retried later, or given up. Call it inside
 * `database.write`. The wait before the next attempt counts from `retryFromMs`.
 */
export function settleAttempt(
  state: TaskState,
  name: string,
  outcome: Outcome,
  { nowMs, retryFromMs }: { readonly nowMs: number; readonly retryFromMs: number },
): ExhaustedTask | undefined {
  const task = state.task(name);
  const queue = task && state.queue(task.queue);
  // Deleted, purged, or completed by another attempt in the meantime.
  if (task === undefined || queue === undefined) return undefined;
  const takenUntilMs = nowMs + limits.NAME_TAKEN_MS;
  if (outcome.status !== undefined && outcome.status >= 200 && outcome.status < 300) {
    state.removeTask(task, takenUntilMs);
    return undefined;
  }
  const failed = failedProgress(task.progress, outcome, nowMs);
  const attempts = failed.dispatchCount;
  if (!isExhausted(queue.settings, attempts, nowMs - (failed.firstDispatchMs ?? nowMs))) {
    state.endAttempt(name, failed, retryFromMs + backoffMs(queue.settings, attempts));
    return undefined;
  }
  state.removeTask(task, takenUntilMs);
  return { name, attempts, reason: failed.lastAttempt?.reason ?? "", atMs: nowMs };
}

/** gRPC statuses by HTTP status: google.rpc.Code's mapping. */
const CODES: Readonly<Record<number, string>> = {
  400: "INVALID_ARGUMENT",
  401: "UNAUTHENTICATED",
  403: "PERMISSION_DENIED",
  404: "NOT_FOUND",
  409: "ABORTED",
  429: "RESOURCE_EXHAUSTED",
  499: "CANCELLED",
  500: "INTERNAL",
  501: "UNIMPLEMENTED",
  503: "UNAVAILABLE",
  504: "DEADLINE_EXCEEDED",
};

function failedProgress(progress: Progress, { status, failure }: Outcome, nowMs: number): Progress {
  const attempted = progress.lastAttempt as Attempt;
  if (status === undefined) {
    const code = failure === "deadline" ? "DEADLINE_EXCEEDED" : "UNAVAILABLE";
    const reason = failure === "deadline" ? "The deadline passed" : "No answer";
    return { ...progress, lastAttempt: { ...attempted, code, reason } };
  }
  const reason = `HTTP status code ${status}`;
  const answered = { responseMs: nowMs, httpStatus: status, code: CODES[status] ?? "UNKNOWN", reason };
  return {
    ...progress,
    responseCount: progress.responseCount + 1,
    lastAttempt: { ...attempted, ...answered },
  };
}
