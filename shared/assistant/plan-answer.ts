import type { ChatHandle } from "../chat/chat-handle.ts";
import type { StoredTrial } from "../chat/log/message.ts";
import type { AppSettings } from "../identity/contract.ts";
import { composeTurns, type Conversation } from "../platform/models/compose-turns.ts";
import type { AnswerDeps } from "./answer-message.ts";
import { holdBudget } from "./budget.ts";
import { chooseModels } from "./choose-models.ts";
import type { AnswerMessage, Planned } from "./claim-answer.ts";
import type { ShadowTask } from "./contract.ts";
import { readHistory, roomOf, smallestRoom } from "./history.ts";
import { knownRollouts } from "./known-rollouts.ts";
import { hasPrice } from "./price.ts";

/**
 * Providers count tokens differently, so the guess is high: a budget ends a little early and is not
 * overdrawn.
 */
const GUESS_MARGIN = 1.25;
const GUESS_TOKENS = 8;

/** What is to be asked of which models. */
export interface Plan {
  /** In the order in which they are asked. */
  readonly models: readonly string[];
  readonly conversation: Conversation;
  /** What a budget leaves for the answer; undefined where there is none. */
  readonly tokensAffordable: number | undefined;
  /** The day whose budgets hold what it may cost. */
  readonly heldDay: string | undefined;
  readonly temperature: number | undefined;
  /** Versions that are compared by it. */
  readonly trials: readonly StoredTrial[] | undefined;
  /** Why no model is to be asked. */
  readonly refusal: "budget" | "misconfigured" | "taken back" | undefined;
  /** Another model is to answer too, for comparison. */
  readonly shadow: Pick<ShadowTask, "model" | "trial"> | undefined;
  /** What is older had better be summarised. */
  readonly isLong: boolean;
}

/** The answer that is worked on. */
export interface Answering {
  readonly chat: ChatHandle;
  /** Of the answer's message. */
  readonly id: string;
  readonly settings: AppSettings;
}

/** Whether the app limits what may be spent. Pure. */
export const hasBudget = ({ assistant }: AppSettings): boolean =>
  assistant.budgets.appPerDay !== null || assistant.budgets.personPerDay !== null;

/**
 * Decides on models and conversation, and holds the money. Costs what the history costs; 2 reads and 2 writes
 * where there are budgets.
 * @throws AppError `unavailable` while what is left of a budget is held for other answers
 */
export async function planAnswer(
  deps: AnswerDeps,
  { chat, id, settings }: Answering,
  message: AnswerMessage,
): Promise<Planned<Plan>> {
  const { catalog } = deps.models;
  const chosen = chooseModels(deps, settings, await knownRollouts(deps, chat.app), message);
  const { trial, shadow } = chosen.choice;
  // Under a budget a model that nobody has put a price to would be free, and so without any limit.
  const models = hasBudget(settings)
    ? chosen.models.filter((model) => hasPrice(settings, model))
    : chosen.models;
  const { asker, instructions, temperature } = message.answer;
  const nothing = {
    models,
    conversation: { system: [], turns: [] },
    tokensAffordable: undefined,
    heldDay: undefined,
    temperature,
    trials: undefined,
    refusal: undefined,
    shadow,
    isLong: false,
  };
  if (models.length === 0) {
    deps.log.error("No model of the app has a price, which its budget needs.", undefined, {
      event: "model.misconfigured",
      app: chat.app.id,
      models: chosen.models.join(", "),
    });
    return { plan: { ...nothing, refusal: "misconfigured" }, isAttempt: false, fields: {} };
  }
  const [history, ...open] = await Promise.all([
    readHistory(deps, chat, message, {
      instructions: [settings.assistant.systemPrompt, instructions],
      room: smallestRoom(catalog, models),
    }),
    ...models.map((model) => deps.circuits.isOpen(model)),
  ]);
  const { conversation, isLong } = history;
  const plan = { ...nothing, conversation, isLong };
  if (history.isTakenBack) return { plan: { ...plan, refusal: "taken back" }, isAttempt: false, fields: {} };
  if (open.every(Boolean)) return { plan, isAttempt: false, fields: {} };
  const inputTokens =
    Math.ceil(
      Math.max(...models.map((model) => composeTurns(conversation, roomOf(catalog, model)).inputTokens)) *
        GUESS_MARGIN,
    ) + GUESS_TOKENS;
  const outputTokens = Math.max(...models.map((model) => catalog.of(model).outputTokensMax));
  const holding = await holdBudget(deps, chat.app, settings, {
    id,
    asker,
    models,
    inputTokens,
    outputTokens,
  });
  if (holding.kind === "exhausted") {
    return { plan: { ...plan, refusal: "budget" }, isAttempt: false, fields: {} };
  }
  const before = (message.answer.trials ?? []).filter(({ name }) => name !== trial?.name);
  const trials = trial === undefined ? undefined : [...before, trial];
  const fields = {
    ...(holding.day === undefined ? {} : { "answer.heldDay": holding.day }),
    ...(trials === undefined ? {} : { "answer.trials": trials }),
  };
  const tokensAffordable = holding.day === undefined ? undefined : holding.maxTokens;
  return { plan: { ...plan, tokensAffordable, heldDay: holding.day, trials }, isAttempt: true, fields };
}
