import { isDeepStrictEqual } from "node:util";
import type { App } from "../identity/app.ts";
import type { Principal } from "../identity/principal.ts";
import type { Deps } from "../platform/deps.ts";
import { AppError, GRPC, grpcCode } from "../platform/errors.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";
import { ROLLOUTS_MAX, type Rollout, type RolloutDefinition } from "./contract.ts";
import { rolloutView } from "./read-rollout.ts";
import {
  commitDecision,
  countRollouts,
  momentOf,
  percentAt,
  type Reasons,
  rolloutFrom,
  rolloutRef,
  type StoredRollout,
} from "./store.ts";

/** How often the change is decided anew because the judge, or another admin, was faster. */
const COLLISIONS_MAX = 5;

export interface RolloutChange {
  readonly name: string;
  readonly definition: RolloutDefinition;
  readonly expected: ((revision: number) => boolean) | undefined;
}

/**
 * Creates a rollout, or replaces what is asked of it. What was rolled back stays so until it is another pair
 * of versions or another attempt, which begins a new trial. The definition that is there already changes
 * nothing. Costs 1 read, 2 writes and what reading costs; 1 read more for a new one.
 * @throws AppError `precondition_failed`, `conflict` above ROLLOUTS_MAX
 */
export async function changeRollout(
  deps: Pick<Deps, "firestore" | "clock" | "log">,
  app: App,
  by: Principal,
  change: RolloutChange,
): Promise<{ rollout: Rollout; isNew: boolean }> {
  const { name, definition, expected } = change;
  for (let collisions = 0; collisions < COLLISIONS_MAX; collisions += 1) {
    const found = await within(READ_MS_MAX, rolloutRef(app, name).get());
    const before = found.exists ? rolloutFrom(found) : undefined;
    if (expected !== undefined && (before === undefined || !expected(before.revision))) {
      throw new AppError("precondition_failed", "The rollout has changed since you read it.");
    }
    if (before === undefined && (await countRollouts(app)) >= ROLLOUTS_MAX) {
      throw new AppError("conflict", `An app has at most ${ROLLOUTS_MAX} rollouts.`);
    }
    if (before !== undefined && isDeepStrictEqual(before.definition, definition)) {
      return { rollout: await rolloutView(app, before), isNew: false };
    }
    const next = nextOf(name, before, definition, deps.clock.now());
    const reasons: Reasons = { kind: kindOf(before, next), by: by.id };
    try {
      await commitDecision(deps.firestore, app, { before: found, next }, reasons);
    } catch (cause) {
      const code = grpcCode(cause);
      if (code !== GRPC.failedPrecondition && code !== GRPC.alreadyExists) throw cause;
      continue;
    }
    deps.log.write("NOTICE", "A rollout was changed.", {
      event: `rollout.${reasons.kind}`,
      app: app.id,
      rollout: name,
      revision: next.revision,
      trial: next.trial,
      percent: next.percent,
    });
    return { rollout: await rolloutView(app, next), isNew: before === undefined };
  }
  throw new AppError("unavailable", "The rollout is being changed by others.", { retryAfterSeconds: 1 });
}

/** Pure. */
function nextOf(
  name: string,
  before: StoredRollout | undefined,
  definition: RolloutDefinition,
  nowMs: number,
): StoredRollout {
  const isSameTrial =
    before !== undefined &&
    before.definition.stable === definition.stable &&
    before.definition.candidate === definition.candidate &&
    before.definition.attempt === definition.attempt;
  const rolledBack = isSameTrial ? before.rolledBack : null;
  return {
    name,
    revision: (before?.revision ?? 0) + 1,
    definition,
    trial: isSameTrial ? before.trial : (before?.trial ?? 0) + 1,
    percent: percentAt(definition, nowMs),
    isRunning: definition.mode !== "off" && rolledBack === null,
    rolledBack,
    withdrawn: isSameTrial ? before.withdrawn : [],
    updatedAt: momentOf(nowMs),
  };
}

function kindOf(before: StoredRollout | undefined, next: StoredRollout): Reasons["kind"] {
  if (!next.isRunning) return before?.isRunning === true ? "stopped" : "changed";
  return before?.isRunning === true && before.trial === next.trial ? "changed" : "started";
}
