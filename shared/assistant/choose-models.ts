import type { StoredTrial } from "../chat/log/message.ts";
import type { AppSettings } from "../identity/contract.ts";
import type { Config } from "../platform/config.ts";
import { AppError } from "../platform/errors.ts";
import type { Models } from "../platform/models/models.ts";
import { choose, type RolloutSet } from "../rollout/choose.ts";
import type { AnswerMessage } from "./claim-answer.ts";
import type { ShadowTask } from "./contract.ts";

/**
 * The models that chats of an app may name: its own list, or else those of its lanes and of the deployment.
 * Pure.
 */
export function offeredModels(
  deps: { readonly config: Pick<Config, "laneModels">; readonly models: Pick<Models, "catalog"> },
  { models, assistant }: AppSettings,
): readonly string[] {
  const { fast, slow } = deps.config.laneModels;
  const known = [...assistant.fast, ...assistant.slow, fast, slow, ...deps.models.catalog.ids];
  return [...new Set(models.length > 0 ? models : known)];
}

/** @throws AppError `invalid_request` for a model that the app does not let chats name */
export function demandModel(
  deps: Parameters<typeof offeredModels>[0],
  settings: AppSettings,
  model: string,
): void {
  if (offeredModels(deps, settings).includes(model)) return;
  throw new AppError("invalid_request", "The app does not have this model.", {
    errors: [{ path: "model", message: "must be one of the app's models" }],
  });
}

/** The rollout of the first model of a lane; its versions are names of models. */
export const modelRollout = (lane: AnswerMessage["answer"]["lane"]): string => `model-${lane}`;

/** Which models are asked, and what is being compared by that. */
export interface ModelChoice {
  /** One after the other. */
  readonly models: readonly string[];
  readonly choice: {
    readonly trial?: StoredTrial | undefined;
    readonly shadow?: Pick<ShadowTask, "model" | "trial"> | undefined;
  };
}

/**
 * The models to ask, one after the other: the one that the chat names, or the one that the app's rollout
 * gives the asker; then those of the lane, which are the app's or else the deployment's. Pure.
 */
export function chooseModels(
  deps: Parameters<typeof offeredModels>[0],
  settings: AppSettings,
  rollouts: RolloutSet,
  { sender, answer }: Pick<AnswerMessage, "sender" | "answer">,
): ModelChoice {
  const { laneModels } = deps.config;
  const { assistant } = settings;
  const named = "model" in sender ? sender.model : "";
  const { lane, asker: person, language } = answer;
  const ofApp = assistant[lane];
  const ofLane = ofApp.length > 0 ? ofApp : [laneModels[lane], laneModels[lane === "fast" ? "slow" : "fast"]];
  if (named !== "" && offeredModels(deps, settings).includes(named)) {
    return { models: [...new Set([named, ...ofLane])], choice: {} };
  }
  const name = modelRollout(lane);
  const chosen = choose(rollouts, { name, person, segment: { language } });
  if (chosen === undefined) return { models: ofLane, choice: {} };
  const { version, trial, shadow } = chosen;
  return {
    models: [...new Set([version, ...ofLane])],
    choice:
      trial === undefined
        ? {}
        : {
            trial: { name, trial },
            ...(shadow === undefined
              ? {}
              : {
                  shadow: { model: shadow, trial: { name, trial: { ...trial, arm: "candidate" as const } } },
                }),
          },
  };
}
