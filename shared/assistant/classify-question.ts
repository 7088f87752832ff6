import type { Classified } from "../chat/log/append-answer.ts";
import type { StoredTrial } from "../chat/log/message.ts";
import { type ClassifierVersion, classify, versions } from "../classifier/classify.ts";
import type { App } from "../identity/app.ts";
import type { Principal } from "../identity/principal.ts";
import type { Log } from "../platform/log.ts";
import { choose, type RolloutSet } from "../rollout/choose.ts";
import type { Rollouts } from "../rollout/rollouts.ts";
import { knownRollouts } from "./known-rollouts.ts";

/** The rollout of the classifier's versions, `v1` and `v2`. */
export const CLASSIFIER_ROLLOUT = "classifier";

const isVersion = (version: string): version is ClassifierVersion => version in versions;

/**
 * Prepares the classification of a person's question: by the version that the app's rollout gives them. Costs
 * nothing but, for an app that the instance has not served lately, 1 query of its own.
 */
export async function openClassification(
  deps: { readonly rollouts: Rollouts; readonly log: Log },
  app: App,
  principal: Principal,
): Promise<(text: string) => Classified> {
  const rollouts = await knownRollouts(deps, app);
  return (text) => classifyFor(rollouts, principal, text);
}

/** Pure. */
export function classifyFor(
  rollouts: RolloutSet,
  { id, role }: Pick<Principal, "id" | "role">,
  text: string,
): Classified {
  const newest = classify(text);
  const { language } = newest;
  const choice = choose(rollouts, { name: CLASSIFIER_ROLLOUT, person: id, segment: { language, role } });
  if (choice === undefined || !isVersion(choice.version)) return { lane: newest.lane, language };
  const { lane } = versions[choice.version](text);
  const trials: StoredTrial[] = [];
  if (choice.trial !== undefined) trials.push({ name: CLASSIFIER_ROLLOUT, trial: choice.trial });
  // The other version takes a fraction of a millisecond, so it runs in the same call.
  if (choice.trial !== undefined && choice.shadow !== undefined && isVersion(choice.shadow)) {
    const differs = versions[choice.shadow](text).lane !== lane;
    trials.push({ name: CLASSIFIER_ROLLOUT, trial: { ...choice.trial, arm: "candidate" }, differs });
  }
  return { lane, language, trials };
}
