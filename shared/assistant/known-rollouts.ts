import type { App } from "../identity/app.ts";
import type { Log } from "../platform/log.ts";
import type { RolloutSet } from "../rollout/choose.ts";
import type { Rollouts } from "../rollout/rollouts.ts";

/**
 * An app's rollouts; none while they can't be read, as a question is answered without a trial rather than not
 * at all. Costs nothing but, for an app that the instance has not served lately, 1 query of its own.
 */
export async function knownRollouts(
  { rollouts, log }: { readonly rollouts: Rollouts; readonly log: Log },
  app: App,
): Promise<RolloutSet> {
  try {
    return await rollouts.of(app);
  } catch (cause) {
    log.error("The rollouts are not known; nothing is on trial.", cause, { app: app.id });
    return new Map();
  }
}
