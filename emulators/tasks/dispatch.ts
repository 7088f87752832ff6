import { type Kernel, projectOf } from "../kernel/grpc.ts";
import type { Deliverer, Outcome } from "../kernel/http-delivery.ts";
import { dispatchRequest } from "./dispatch-request.ts";
import * as limits from "./limits.ts";
import { burstOf, type Queue } from "./queue.ts";
import { backoffMs, isExhausted } from "./retry.ts";
import type { TaskState } from "./state.ts";
import type { Attempt, Progress, Task } from "./task.ts";

export interface ExhaustedTask {
  readonly name: string;
  readonly attempts: number;
  readonly reason: string;
  readonly atMs: number;
}

export interface Dispatcher {
  /** Starts what the queue owes now and sets an alarm for what it owes next. Call it after each change. */
  wake(queue: string): void;
  /** Dispatches the task whatever its schedule, its queue's rate and its queue's state are. */
  runNow(task: Task): Promise<Task>;
  /** Resolves once no task of the project runs or is due in a queue that isn't paused. */
  idle(project: string): Promise<void>;
  /** Tasks deleted because their attempts were used up, the latest first. */
  exhausted(project: string | undefined): ExhaustedTask[];
  close(): void;
}

/** A queue's token bucket, and the tasks it has under way. */
interface Lane {
  tokens: number;
  refilledMs: number;
  underway: number;
  cancelAlarm: () => void;
}

export function createDispatcher(kernel: Kernel, state: TaskState, deliverer: Deliverer): Dispatcher {
  const { clock } = kernel;
  const lanes = new Map<string, Lane>();
  const exhausted: ExhaustedTask[] = [];
  let settled = Promise.withResolvers<void>();
  let closed = false;

  const laneOf = (queue: Queue): Lane => {
    let lane = lanes.get(queue.name);
    if (lane === undefined) {
      const tokens = burstOf(queue.settings);
      lane = { tokens, refilledMs: clock.now(), underway: 0, cancelAlarm: () => undefined };
      lanes.set(queue.name, lane);
    }
    return lane;
  };

  const refill = (lane: Lane, { settings }: Queue): void => {
    const nowMs = clock.now();
    const gained = ((nowMs - lane.refilledMs) / 1000) * settings.dispatchesPerSecond;
    lane.tokens = Math.min(lane.tokens + gained, burstOf(settings));
    lane.refilledMs = nowMs;
  };

  /** When the queue can dispatch again, undefined where only the end of an attempt can tell. */
  const nextMs = (lane: Lane, queue: Queue): number | undefined => {
    const scheduleMs = state.nextScheduleMs(queue.name);
    if (scheduleMs === undefined || lane.underway >= queue.settings.concurrentMax) return undefined;
    const lacking = Math.max(1 - lane.tokens, 0);
    return Math.max(
      scheduleMs,
      clock.now() + Math.ceil((lacking / queue.settings.dispatchesPerSecond) * 1000),
    );
  };

  const wake = (name: string): void => {
    if (closed) return;
    settled.resolve();
    settled = Promise.withResolvers();
    const queue = state.queue(name);
    const lane = queue && laneOf(queue);
    lanes.get(name)?.cancelAlarm();
    if (queue === undefined || lane === undefined) {
      lanes.delete(name);
      return;
    }
    if (queue.paused) return;
    refill(lane, queue);
    const room = Math.min(queue.settings.concurrentMax - lane.underway, Math.floor(lane.tokens));
    if (room > 0) {
      const due = state.dueTasks(name, clock.now(), Math.min(room, limits.DISPATCH_BATCH));
      lane.tokens -= due.length;
      for (const task of due) void attempt(task, clock.now);
    }
    const atMs = nextMs(lane, queue);
    lane.cancelAlarm = atMs === undefined ? () => undefined : clock.at(atMs, () => wake(name));
  };

  /** One attempt. A failure counts the wait before the next from `retryFrom`. */
  const attempt = (task: Task, retryFrom: () => number): Task => {
    const dispatchMs = clock.now();
    const progress: Progress = {
      dispatchCount: task.progress.dispatchCount + 1,
      responseCount: task.progress.responseCount,
      firstDispatchMs: task.progress.firstDispatchMs ?? dispatchMs,
      lastAttempt: { scheduleMs: task.scheduleMs, dispatchMs },
    };
    const lane = lanes.get(task.queue);
    if (lane !== undefined) lane.underway += 1;
    // Not waited for: should the process die before this is on disk, the attempt is made again uncounted.
    void state.database.write(() => state.startAttempt(task.name, progress));
    void (async () => {
      const requestId = task.request.headers?.["x-request-id"];
      kernel.meter.rpc({ project: projectOf(task.name), requestId }, "tasks.Dispatch");
      const fault = kernel.faults.take("tasks", "Dispatch", task.name);
      const outcome = await deliverer.deliver(dispatchRequest(task), fault);
      if (lane !== undefined) lane.underway -= 1;
      if (closed) return;
      await state.database.write(() => settle(task.name, outcome, retryFrom()));
      wake(task.queue);
    })();
    return { ...task, progress };
  };

  const settle = (name: string, outcome: Outcome, retryFromMs: number): void => {
    const task = state.task(name);
    const queue = task && state.queue(task.queue);
    // Deleted, purged, or completed by another attempt in the meantime.
    if (task === undefined || queue === undefined) return;
    const nowMs = clock.now();
    const takenUntilMs = nowMs + limits.NAME_TAKEN_MS;
    if (outcome.status !== undefined && outcome.status >= 200 && outcome.status < 300) {
      state.removeTask(task, takenUntilMs);
      return;
    }
    const failed = failedProgress(task.progress, outcome, nowMs);
    const ageMs = nowMs - (failed.firstDispatchMs ?? nowMs);
    if (!isExhausted(queue.settings, failed.dispatchCount, ageMs)) {
      state.endAttempt(name, failed, retryFromMs + backoffMs(queue.settings, failed.dispatchCount));
      return;
    }
    state.removeTask(task, takenUntilMs);
    const reason = failed.lastAttempt?.reason ?? "";
    exhausted.unshift({ name, attempts: failed.dispatchCount, reason, atMs: nowMs });
    exhausted.length = Math.min(exhausted.length, limits.EXHAUSTED_KEPT);
  };

  const isBusy = (project: string): boolean =>
    state.queuesOf(project).some((queue) => {
      if ((lanes.get(queue.name)?.underway ?? 0) > 0) return true;
      const nextSchedule = queue.paused ? undefined : state.nextScheduleMs(queue.name);
      return nextSchedule !== undefined && nextSchedule <= clock.now();
    });

  return {
    wake,
    async runNow(task) {
      const queue = state.queue(task.queue);
      if (queue !== undefined) laneOf(queue);
      const calledMs = clock.now();
      return attempt(task, () => calledMs);
    },
    async idle(project) {
      for (;;) {
        if (closed || !isBusy(project)) return;
        await settled.promise;
      }
    },
    exhausted: (project) =>
      exhausted.filter((entry) => project === undefined || projectOf(entry.name) === project),
    close() {
      closed = true;
      settled.resolve();
      for (const lane of lanes.values()) lane.cancelAlarm();
    },
  };
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
