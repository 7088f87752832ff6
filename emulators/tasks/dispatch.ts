import type { Kernel } from "../kernel/kernel.ts";
import { projectOf } from "../kernel/rpc.ts";
import type { Deliverer } from "../kernel/http-delivery.ts";
import { DISK_RETRY_MS, writeInTheEnd } from "../kernel/insistent-write.ts";
import { dispatchRequest } from "./dispatch-request.ts";
import { adjustShare, type Lane, newLane, nextTokenMs, refill, roomIn } from "./lane.ts";
import * as limits from "./limits.ts";
import type { Queue } from "./queue.ts";
import { type ExhaustedTask, settleAttempt } from "./settle-attempt.ts";
import type { TaskState } from "./state.ts";
import type { Progress, Task } from "./task.ts";

export interface Dispatcher {
  /** Starts the tasks that are due and sets an alarm for the next ones. Call it after each change. */
  wake(queue: string): void;
  /** Dispatches the task whatever its schedule, its queue's rate and its queue's state are. */
  runNow(task: Task): Promise<Task>;
  /** Resolves once no task of the project runs or is due in a queue that isn't paused. */
  idle(project: string): Promise<void>;
  /** Tasks deleted because their attempts were used up, the latest first. */
  exhausted(project: string | undefined): ExhaustedTask[];
  close(): void;
}

export function createDispatcher(kernel: Kernel, state: TaskState, deliverer: Deliverer): Dispatcher {
  const { clock } = kernel;
  const lanes = new Map<string, Lane>();
  const exhausted: ExhaustedTask[] = [];
  let settled = Promise.withResolvers<void>();
  let closed = false;

  const laneOf = ({ name, settings }: Queue): Lane => {
    const lane = lanes.get(name) ?? newLane(settings, clock.now());
    lanes.set(name, lane);
    return lane;
  };

  /** When the queue can dispatch again, undefined where only the end of an attempt can tell. */
  const nextMs = (lane: Lane, { name, settings }: Queue): number | undefined => {
    const scheduleMs = state.nextScheduleMs(name);
    if (scheduleMs === undefined || lane.underway >= settings.concurrentMax) return undefined;
    return Math.max(scheduleMs, nextTokenMs(lane, settings));
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
    refill(lane, queue.settings, clock.now());
    const room = roomIn(lane, queue.settings);
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
    void makeAttempt(task, progress, retryFrom).finally(() => {
      if (lane !== undefined) lane.underway -= 1;
      wake(task.queue);
    });
    return { ...task, progress };
  };

  /** Dispatches a task that is stored as under way, and stores the outcome. */
  const makeAttempt = async (task: Task, progress: Progress, retryFrom: () => number): Promise<void> => {
    try {
      await state.database.write(() => state.startAttempt(task.name, progress));
    } catch (cause) {
      // The disk failed: the task waits as before, and the queue tries again a little later.
      console.error(String(cause));
      await new Promise<void>((resolve) => clock.at(clock.now() + DISK_RETRY_MS, resolve));
      return;
    }
    if (closed) return;
    const request = dispatchRequest(task);
    const requestId = request.headers["x-request-id"];
    kernel.meter.rpc({ project: projectOf(task.name), requestId }, "tasks.Dispatch");
    const fault = kernel.faults.take("tasks", "Dispatch", task.name);
    const outcome = await deliverer.deliver(request, fault);
    if (closed) return;
    const lane = lanes.get(task.queue);
    if (lane !== undefined && kernel.physics.holdsIn(projectOf(task.name))) adjustShare(lane, outcome.status);
    const moments = { nowMs: clock.now(), retryFromMs: retryFrom() };
    const settle = (): ExhaustedTask | undefined => settleAttempt(state, task.name, outcome, moments);
    const ended = await writeInTheEnd(clock, state.database, settle, () => closed);
    if (ended !== undefined) exhausted.unshift(ended);
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
