import type { AppSettings } from "../identity/contract.ts";
import type { Deps } from "../platform/deps.ts";
import { AppError } from "../platform/errors.ts";
import type { Conversation } from "../platform/models/compose-turns.ts";
import { askWhole } from "./ask-whole.ts";
import type { Circuits } from "./circuits.ts";
import { hasBudget } from "./plan-answer.ts";
import { costOf, hasPrice, priceOf } from "./price.ts";

/** What the app's own use of a model came to: a summary, a title. */
export interface Said {
  readonly text: string;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly costMicros: number;
}

/** Longer than any summary takes. */
const QUICK_MS_MAX = 120_000;

/**
 * Asks the app's quick models one after the other until one has answered. Under a budget only those with a
 * price. One model call, or one for each model that fails.
 * @throws AppError `unavailable`: call it again
 */
export async function askQuickModels(
  deps: Deps & { readonly circuits: Circuits },
  settings: AppSettings,
  conversation: Conversation,
  tokensMax: number,
): Promise<Said> {
  const { fast } = settings.assistant;
  const all = fast.length > 0 ? fast : [deps.config.laneModels.fast];
  const models = hasBudget(settings) ? all.filter((model) => hasPrice(settings, model)) : all;
  let failure: unknown;
  for (const model of models) {
    try {
      const call = { model, conversation, tokensMax, lane: "slow" as const, msMax: QUICK_MS_MAX };
      const ran = await deps.circuits.run(model, () => askWhole(deps, call));
      if (ran.isRefused) continue;
      const { text, inputTokens, outputTokens } = ran.value;
      return { text, inputTokens, outputTokens, costMicros: costOf(priceOf(settings, model), ran.value) };
    } catch (cause) {
      failure = cause;
    }
  }
  throw new AppError("unavailable", "No model is asked at the moment.", {}, { cause: failure });
}
