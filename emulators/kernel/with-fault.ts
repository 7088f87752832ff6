import type { Clock } from "./clock.ts";
import type { Fault } from "./faults.ts";

/** The caller gets no answer: it waits until its deadline, or its connection breaks. */
export type NoReply = "hang" | "drop";

export interface FaultedWork<T> {
  work(): Promise<T> | T;
  /** The error for "before" and "after", from the plan's gRPC status. */
  failure(code: string): Error;
  /** Waits as long as "slow" says. */
  pause(ms: number): Promise<unknown>;
  /** When "slow" waits: before the work, which is the default, or between the work and its answer. */
  slow?: "before" | "after";
  /** Whether "twice" does the work a second time. Work that consumes its input can't be repeated. */
  repeatable?: boolean;
}

/** Does the work under a planned fault, if there is one. Rejects with `failure` for "before" and "after". */
export async function withFault<T>(fault: Fault | undefined, planned: FaultedWork<T>): Promise<T | NoReply> {
  const { work, failure, pause, slow = "before", repeatable = false } = planned;
  if (fault === undefined) return work();
  if (fault.kind === "before") throw failure(fault.code);
  if (fault.kind === "hang" || fault.kind === "drop") return fault.kind;
  const beLate = (): Promise<unknown> => fault.until ?? pause(fault.ms);
  if (fault.kind === "held") await fault.until;
  if (fault.kind === "slow" && slow === "before") await beLate();
  // The caller is answered with the second outcome, whatever the first was.
  if (fault.kind === "twice" && repeatable) await Promise.resolve(work()).catch(() => undefined);
  const outcome = await work();
  if (fault.kind === "slow" && slow === "after") await beLate();
  if (fault.kind === "after") throw failure(fault.code);
  return outcome;
}

/** Waits on the suite's clock, which tests move. */
export const pauseOn =
  (clock: Clock) =>
  (ms: number): Promise<void> =>
    new Promise((resolve) => clock.at(clock.now() + ms, resolve));
