import type { ChatHandle } from "../chat/chat-handle.ts";
import type { Served } from "../chat/contract.ts";
import type { StoredTrial } from "../chat/log/message.ts";
import { messagesOf } from "../chat/store.ts";
import type { AppSettings } from "../identity/contract.ts";
import type { Turn } from "../platform/model.ts";
import type { AnswerDeps } from "./answer-message.ts";
import { holdBudget } from "./budget.ts";
import { chooseModels } from "./choose-models.ts";
import {
  type AnswerMessage,
  attemptsAt,
  isOpen,
  nextEpoch,
  type Planned,
  storedAnswerMessage,
} from "./claim-answer.ts";
import { ANSWER_MS_MAX, ANSWER_TOKENS_MAX, FIRST_WORD_MS_MAX, type ShadowTask } from "./contract.ts";
import { countTokens, countTurns, readHistory } from "./history.ts";
import { knownRollouts } from "./known-rollouts.ts";
import { openSegmentWriter } from "./segment-writer.ts";
import type { SegmentEnd } from "./segments.ts";

const GUESS_MARGIN = 1.25;
const GUESS_TOKENS = 8;

/** What is to be asked of which models. */
export interface Plan {
  /** In the order in which they are asked. */
  readonly models: readonly string[];
  readonly turns: readonly Turn[];
  readonly maxTokens: number;
  /** Versions that are compared by it. */
  readonly trials: readonly StoredTrial[] | undefined;
  /** The budget allows no call. */
  readonly isExhausted: boolean;
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
  const { models, choice } = chooseModels(
    deps.config,
    settings,
    await knownRollouts(deps, chat.app),
    message,
  );
  const [history, ...open] = await Promise.all([
    readHistory(chat, message, settings.assistant.systemPrompt),
    ...models.map((model) => deps.circuits.isOpen(model)),
  ]);
  const { trial, shadow } = choice;
  const plan = {
    models,
    ...history,
    maxTokens: ANSWER_TOKENS_MAX,
    isExhausted: false,
    shadow,
    trials: undefined,
  };
  if (open.every(Boolean)) return { plan, isAttempt: false, fields: {} };
  const { asker } = message.answer;
  // Providers count tokens differently, so the guess is high: a budget ends a little early and is not
  // overdrawn.
  const inputTokens = Math.ceil(countTurns(history.turns) * GUESS_MARGIN) + GUESS_TOKENS;
  const holding = await holdBudget(deps, chat.app, settings, { id, asker, models, inputTokens });
  if (holding.kind === "exhausted") {
    return { plan: { ...plan, isExhausted: true }, isAttempt: false, fields: {} };
  }
  const before = (message.answer.trials ?? []).filter(({ name }) => name !== trial?.name);
  const trials = trial === undefined ? undefined : [...before, trial];
  const fields = {
    ...(holding.day === undefined ? {} : { "answer.heldDay": holding.day }),
    ...(trials === undefined ? {} : { "answer.trials": trials }),
  };
  return { plan: { ...plan, maxTokens: holding.maxTokens, trials }, isAttempt: true, fields };
}

/** What models are requested: an answer, as planned. */
export interface ModelRequest {
  readonly chat: ChatHandle;
  /** The answer's message. */
  readonly id: string;
  readonly message: AnswerMessage;
  readonly plan: Plan;
  /** Which attempt this is. */
  readonly attempt: number;
}

/** What has come of a request. Each carries the epoch that it ended in. */
export type ModelResult =
  | { readonly kind: "said"; readonly epoch: number; readonly text: string; readonly end: SegmentEnd }
  | { readonly kind: "taken over" }
  | {
      readonly kind: "unsaid";
      readonly epoch: number;
      readonly served: Omit<Served, "as">;
      /** Undefined when no model was asked. */
      readonly cause: unknown;
    };

/**
 * Asks the models one after the other until one has answered. Where one breaks off in the middle, the next
 * begins a new epoch, so that readers let go what the first has said; that costs a write.
 */
export async function askModels(
  deps: AnswerDeps,
  request: ModelRequest,
  firstEpoch: number,
): Promise<ModelResult> {
  const { chat, id, message, plan } = request;
  const [first] = plan.models;
  let epoch = firstEpoch;
  let why: Omit<Served, "as"> = {};
  let failure: unknown;
  const ending = watchForEnd(deps, request);
  const limit = setTimeout(() => ending.end("late"), ANSWER_MS_MAX[message.answer.lane]);
  try {
    for (const model of plan.models) {
      const served: Served =
        model === first ? { as: "chosen" } : { as: "fallback", ...why, insteadOf: first ?? "" };
      const speech = { hasBegun: false };
      try {
        const ran = await deps.circuits.run(model, () =>
          askModel(deps, request, { epoch, model, served, ending, speech }),
        );
        if (!ran.isRefused) {
          return ending.reason() === "taken over"
            ? { kind: "taken over" }
            : { kind: "said", epoch, ...ran.value };
        }
        why = { reason: why.reason ?? "circuit_open" };
      } catch (cause) {
        if (ending.reason() === "taken over") return { kind: "taken over" };
        failure = cause;
        why = { reason: why.reason ?? "model_failed" };
        deps.log.error("A model did not answer.", cause, { app: chat.app.id, chat: chat.number, model });
        if (ending.reason() === "late") break;
      }
      if (speech.hasBegun && model !== plan.models.at(-1)) {
        const isOurs = await nextEpoch(deps, chat, id, epoch);
        if (!isOurs) return { kind: "taken over" };
        epoch += 1;
      }
    }
  } finally {
    clearTimeout(limit);
    ending.stop();
  }
  return { kind: "unsaid", epoch, served: { ...why, insteadOf: first ?? "" }, cause: failure };
}

interface ModelCall {
  readonly epoch: number;
  readonly model: string;
  readonly served: Served;
  readonly ending: Ending;
  /** Whether the model has said anything; set by the call. */
  readonly speech: { hasBegun: boolean };
}

/**
 * One call to one model. @throws AppError `model_failed`; `unavailable` when what it said could not be kept
 */
async function askModel(
  deps: AnswerDeps,
  { chat, id, message, plan }: ModelRequest,
  { epoch, model, served, ending, speech }: ModelCall,
): Promise<{ text: string; end: SegmentEnd }> {
  const startedMs = performance.now();
  const elapsedMs = (): number => Math.round(performance.now() - startedMs);
  let firstTokenMs: number | undefined;
  const writer = openSegmentWriter(deps, chat, id, epoch);
  try {
    let finish = "stop";
    let usage: { inputTokens: number; outputTokens: number } | undefined;
    try {
      for await (const piece of deps.models.stream({
        model,
        turns: plan.turns,
        maxTokens: plan.maxTokens,
        firstMsMax: FIRST_WORD_MS_MAX[message.answer.lane],
        signal: ending.signal,
      })) {
        if ("text" in piece) {
          firstTokenMs ??= elapsedMs();
          speech.hasBegun = true;
          writer.add(piece.text);
        } else if ("finish" in piece) ({ finish } = piece);
        else usage = piece;
      }
    } catch (cause) {
      // A stopped answer keeps what was said. When another attempt has taken over, the model is not at fault.
      if (ending.reason() !== "stopped" && ending.reason() !== "taken over") throw cause;
      finish = "stopped";
    }
    // A provider whose call is cut off reports no usage, but charges for what it has said.
    usage ??= { inputTokens: countTurns(plan.turns), outputTokens: countTokens(writer.text()) };
    const end = { model, finish, ...usage, latencyMs: elapsedMs(), firstTokenMs, served };
    if (ending.reason() !== "taken over") await writer.close(end);
    return { text: writer.text(), end };
  } finally {
    writer.stop();
  }
}

interface Ending {
  readonly signal: AbortSignal;
  end(why: "stopped" | "taken over" | "late"): void;
  reason(): "stopped" | "taken over" | "late" | undefined;
  stop(): void;
}

/** Hears when somebody stops the answer, or another attempt takes over, and ends the model's call then. */
function watchForEnd(deps: AnswerDeps, { chat, id, attempt }: ModelRequest): Ending {
  const controller = new AbortController();
  let reason: "stopped" | "taken over" | "late" | undefined;
  const end: Ending["end"] = (why) => {
    reason ??= why;
    controller.abort();
  };
  const stop = deps.upkeep.run(() =>
    messagesOf(chat)
      .doc(id)
      .onSnapshot(
        (snapshot) => {
          const message = storedAnswerMessage(snapshot);
          const isOurs = message !== undefined && isOpen(message) && attemptsAt(message) <= attempt;
          if (!isOurs) end("taken over");
          else if (message.answer.stop) end("stopped");
        },
        (cause) => deps.log.error("An answer can't be stopped: its message is not heard.", cause),
      ),
  );
  return { signal: controller.signal, end, stop, reason: () => reason };
}
