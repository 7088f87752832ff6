import type { AppSettings } from "../identity/contract.ts";
import type { Config } from "../platform/config.ts";
import { AppError } from "../platform/errors.ts";
import type { AnswerMessage } from "./claim-answer.ts";

/** @throws AppError `invalid_request` for a model that the app does not let chats name */
export function demandModel({ models }: AppSettings, model: string): void {
  if (models.length === 0 || models.includes(model)) return;
  throw new AppError("invalid_request", "The app does not have this model.", {
    errors: [{ path: "model", message: "must be one of the app's models" }],
  });
}

/**
 * The models to ask, one after the other: the one that the chat names, then those of the lane, which are the app's or
 * else the deployment's. Pure.
 */
export function chooseModels(
  { laneModels }: Pick<Config, "laneModels">,
  { models, assistant }: AppSettings,
  { sender, answer }: Pick<AnswerMessage, "sender" | "answer">,
): string[] {
  const named = "model" in sender ? sender.model : "";
  const isNamed = named !== "" && (models.length === 0 || models.includes(named));
  const ofApp = assistant[answer.lane];
  const others = answer.lane === "fast" ? "slow" : "fast";
  const ofLane = ofApp.length > 0 ? ofApp : [laneModels[answer.lane], laneModels[others]];
  return [...new Set([...(isNamed ? [named] : []), ...ofLane])];
}
