import { describeError } from "../shared/platform/log.ts";
import type { DeploymentLog } from "./deployment-log.ts";

/** A command of scripts/roll-out.ts, as it is told of. */
export interface Deed {
  readonly command: "await-tests" | "deploy" | "smoke" | "step" | "back";
  /** Of a step: the share of traffic that the candidate gets. */
  readonly percent?: number;
}

/** The step with which a rollout is over. */
const ALL_PERCENT = 100;

/**
 * Does one command of a rollout and leaves a line of what became of it: `deployment.started`, `.step`,
 * `.finished`, `.rolled-back` or `.failed`. A step that finds the candidate worse gives the traffic back
 * (`.rolled-back`). A step that could not do that either ends as `.failed`.
 *
 * @throws what the command throws
 */
export async function tellingOf(log: DeploymentLog, deed: Deed, work: () => Promise<unknown>): Promise<void> {
  const startedMs = performance.now();
  const about = (event: string) => ({
    event: `deployment.${event}`,
    function: "roll-out",
    ...deed,
    latencyMs: Math.round(performance.now() - startedMs),
  });
  if (deed.command === "deploy") log.write("info", "A rollout begins.", about("started"));
  try {
    await work();
  } catch (cause) {
    const isBack = deed.command === "step" && !(cause instanceof AggregateError);
    const message = isBack ? "The candidate was worse; all traffic is given back." : "A rollout has failed.";
    log.write("error", message, {
      ...about(isBack ? "rolled-back" : "failed"),
      outcome: "failed",
      error: describeError(cause),
    });
    throw cause;
  }
  const told = outcomeOf(deed);
  if (told !== undefined) log.write(told.level, told.message, { ...about(told.event), outcome: "ok" });
}

function outcomeOf({ command, percent = 0 }: Deed) {
  if (command === "back") {
    return { level: "warn", event: "rolled-back", message: "All traffic is given back." } as const;
  }
  if (command !== "step") return undefined;
  return percent >= ALL_PERCENT
    ? ({ level: "info", event: "finished", message: "The candidate has all traffic." } as const)
    : ({ level: "info", event: "step", message: "The candidate has done well so far." } as const);
}
