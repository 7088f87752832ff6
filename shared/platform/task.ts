import type { z } from "zod";
import type { Deps } from "./deps.ts";

/** A kind of task, as who enqueues it and who does it both see it. */
export interface Task<Payload extends object, Occasion = undefined> {
  /** The function that does it. */
  readonly name: string;
  readonly queue: string;
  readonly payload: z.ZodType<Payload>;
  /**
   * What a task is named after: the same parts always give the same task, so that enqueuing it twice is
   * enqueuing it once. `Occasion` is what the name needs besides the payload, such as which attempt it is.
   */
  idOf(payload: Payload, occasion: Occasion): readonly string[];
  /** It is done no sooner than so many milliseconds after it was enqueued. */
  readonly delayMs?: number;
}

/** A kind of task that something else makes up for when it could not be enqueued. */
export interface RecoveredTask<Payload extends object, Occasion = undefined> extends Task<Payload, Occasion> {
  /** What the log says then, and of what. */
  readonly lost: {
    readonly message: string;
    facts(payload: Payload): Readonly<Record<string, unknown>>;
  };
}

/** Says once what a kind of task is. */
export const defineTask = <Payload extends object, Occasion = undefined>(
  task: Task<Payload, Occasion>,
): Task<Payload, Occasion> => task;

/** The same, of a kind that may be lost. */
export const defineRecoveredTask = <Payload extends object, Occasion = undefined>(
  task: RecoveredTask<Payload, Occasion>,
): RecoveredTask<Payload, Occasion> => task;

interface EnqueueOptions<Occasion> {
  readonly occasion: Occasion;
  /** Milliseconds since the epoch; at once, or after the task's own delay, when absent. */
  readonly notBefore?: number | undefined;
}
type Options<Occasion> = undefined extends Occasion
  ? [options?: Partial<EnqueueOptions<Occasion>>]
  : [options: EnqueueOptions<Occasion>];

/** Enqueues a task, or finds that it is enqueued. Costs 1 task. @throws when Cloud Tasks does not take it */
export async function enqueue<Payload extends object, Occasion>(
  deps: Pick<Deps, "tasks" | "clock">,
  task: Task<Payload, Occasion>,
  payload: Payload,
  ...[options]: Options<Occasion>
): Promise<void> {
  const { name, queue, delayMs } = task;
  const notBefore = options?.notBefore ?? (delayMs === undefined ? undefined : deps.clock.now() + delayMs);
  await deps.tasks.enqueue({
    queue,
    function: name,
    id: task.idOf(payload, options?.occasion as Occasion),
    payload,
    ...(notBefore === undefined ? {} : { notBefore }),
  });
}

/**
 * Enqueues a task that is made up for when it is lost. Costs 1 task. Never throws: the log tells of the loss.
 */
export async function tryEnqueue<Payload extends object, Occasion>(
  deps: Pick<Deps, "tasks" | "clock" | "log">,
  task: RecoveredTask<Payload, Occasion>,
  payload: Payload,
  ...options: Options<Occasion>
): Promise<void> {
  try {
    await enqueue(deps, task, payload, ...options);
  } catch (cause) {
    deps.log.error(task.lost.message, cause, task.lost.facts(payload));
  }
}
